package schema

import (
	"reflect"

	"postern/provisioning/config"
)

// rule is the schema of a type that is written otherwise than its fields say.
type rule func(g *generator, f field) (object, error)

// unions are these types: all that provisioning/settings/union.go decodes.
func unions() map[reflect.Type]rule {
	return map[reflect.Type]rule{
		reflect.TypeFor[config.Duration]():          duration,
		reflect.TypeFor[config.Size]():              size,
		reflect.TypeFor[config.Ratio]():             ratio,
		reflect.TypeFor[config.Address]():           address,
		reflect.TypeFor[config.Secret]():            secret,
		reflect.TypeFor[config.File]():              always(text(nil)),
		reflect.TypeFor[config.Definition]():        mapping[config.Definition],
		reflect.TypeFor[config.Folder]():            always(text(nil)),
		reflect.TypeFor[config.Prefix]():            always(text(nil)),
		reflect.TypeFor[config.Installation]():      always(text(nil)),
		reflect.TypeFor[config.Issuer]():            always(text(nil)),
		reflect.TypeFor[config.Audience]():          always(either(object{"const": "unchecked"}, audience())),
		reflect.TypeFor[config.Access]():            always(object{"enum": []any{true, false, "true", "false", "errors"}}),
		reflect.TypeFor[config.Identify]():          orNone[config.Identify],
		reflect.TypeFor[config.Upgrade]():           orNone[config.Upgrade],
		reflect.TypeFor[[]config.ClaimHeader]():     always(mapOf(text(nil))),
		reflect.TypeFor[[]config.Namespace]():       always(mapOf(text(nil))),
		reflect.TypeFor[[]config.Setting]():         mapOfSecrets,
		reflect.TypeFor[[]config.Alias]():           aliases,
		reflect.TypeFor[config.ClaimSet]():          always(mapOf(either(text(nil), listOf(text(nil))))),
		reflect.TypeFor[[]config.User]():            users,
		reflect.TypeFor[config.Balance]():           always(balance()),
		reflect.TypeFor[config.Ejection]():          orNone[config.Ejection],
		reflect.TypeFor[config.Period]():            period,
		reflect.TypeFor[config.ThrottleBy]():        always(throttleBy()),
		reflect.TypeFor[config.ThrottleFor]():       always(either(oneOf([]string{"all", "registered", "unregistered"}), listOf(text(nil)))),
		reflect.TypeFor[config.ThrottleException](): throttleException,
		reflect.TypeFor[config.CORS]():              orNone[config.CORS],
		reflect.TypeFor[config.Outbound]():          outbound,
		reflect.TypeFor[config.Adaptive]():          adaptive,
		reflect.TypeFor[config.Cache]():             orNone[config.Cache],
		reflect.TypeFor[config.Compression]():       orNone[config.Compression],
		reflect.TypeFor[config.Collapse]():          orNone[config.Collapse],
		reflect.TypeFor[config.KeyPart]():           keyPart,
		reflect.TypeFor[config.TTL]():               always(object{"type": "string", "pattern": ttlForm}),
		reflect.TypeFor[config.Origin]():            always(either(text(nil), holding(object{"pattern": text(nil)}, "pattern"))),
		reflect.TypeFor[config.MonitorFor]():        always(either(object{"const": "each"}, listOf(text(nil)))),
		reflect.TypeFor[config.APIKey]():            apiKey,
		reflect.TypeFor[config.AddressRange]():      always(text(nil)),
	}
}

// always is the rule of a type that is written the same everywhere.
func always(schema object) rule {
	return func(*generator, field) (object, error) {
		copied := object{} // the caller adds a description
		for key, value := range schema {
			copied[key] = value
		}
		return copied, nil
	}
}

func either(schemas ...object) object { return object{"anyOf": schemas} }

func listOf(items object) object { return object{"type": "array", "items": items, "minItems": 1} }

func mapOf(values object) object { return object{"type": "object", "additionalProperties": values} }

// holding is an object of these keys and no other.
func holding(properties object, required ...string) object {
	made := object{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		made["required"] = required
	}
	return made
}

// pattern is a text of this form, or none where that is allowed.
func pattern(form string, f field) object {
	if f.none {
		form = "none|" + form
	}
	return object{"type": "string", "pattern": "^(" + form + ")$"}
}

func duration(_ *generator, f field) (object, error) {
	return pattern(`([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*`, f), nil
}

func period(g *generator, f field) (object, error) {
	span, err := duration(g, f)
	return either(span, object{"type": "string", "pattern": `^([0-9]+ )?calendar_(week|month)s?$`}), err
}

func throttleBy() object {
	one := object{"type": "string", "pattern": "^(api|resource|application|subject|ip|(claim|header):.+)$"}
	return either(one, listOf(one))
}

func throttleException(g *generator, _ field) (object, error) {
	mapping, err := g.reference(reflect.TypeFor[config.ThrottleException]())
	return either(text(nil), mapping), err
}

func size(_ *generator, f field) (object, error) {
	return pattern(`[0-9]+ ?(B|kB|KiB|MB|MiB|GB|GiB)`, f), nil
}

func ratio(_ *generator, f field) (object, error) {
	number := object{"type": "number", "exclusiveMinimum": 0, "maximum": 1}
	if f.none {
		return either(number, object{"const": "none"}), nil
	}
	return number, nil
}

func address(*generator, field) (object, error) {
	return either(
		object{"type": "integer", "minimum": 0, "maximum": 65535},
		object{"type": "string", "pattern": `^(none|.*:?[0-9]+)$`},
	), nil
}

func secret(*generator, field) (object, error) {
	return either(
		text(nil),
		holding(object{"env": text(nil)}, "env"),
		holding(object{"file": text(nil)}, "file"),
	), nil
}

func mapOfSecrets(g *generator, f field) (object, error) {
	value, err := secret(g, f)
	return mapOf(value), err
}

func apiKey(g *generator, f field) (object, error) {
	key, err := secret(g, f)
	digest := object{"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}
	return either(key, holding(object{"sha256": digest}, "sha256")), err
}

func audience() object {
	return holding(object{"any": listOf(text(nil)), "required": object{"type": "boolean"}})
}

// orNone is a mapping T or the word "none".
func orNone[T any](g *generator, _ field) (object, error) {
	mapping, err := g.reference(reflect.TypeFor[T]())
	return either(object{"const": "none"}, mapping), err
}

// mapping is a mapping T and nothing else.
func mapping[T any](g *generator, _ field) (object, error) { return g.reference(reflect.TypeFor[T]()) }

func aliases(g *generator, _ field) (object, error) {
	one, err := g.reference(reflect.TypeFor[config.Alias]())
	return mapOf(one), err
}

func users(g *generator, _ field) (object, error) {
	one, err := g.reference(reflect.TypeFor[config.User]())
	return either(object{"type": "array", "items": one}, holding(object{"file": text(nil)}, "file")), err
}

func balance() object {
	return either(
		oneOf([]string{config.RoundRobin, config.LeastPending, config.RandomTwo}),
		holding(object{"hash": holding(object{"by": object{"type": "string", "pattern": "^(ip|(header|cookie|claim):.+)$"}}, "by")}, "hash"),
	)
}

func outbound(g *generator, _ field) (object, error) {
	mapping, err := g.reference(reflect.TypeFor[config.Outbound]())
	return either(oneOf(config.OutboundWords()), object{"type": "string", "pattern": `^\$\{[^}]+\}$`}, mapping), err
}

func adaptive(g *generator, _ field) (object, error) {
	mapping, err := g.reference(reflect.TypeFor[config.Adaptive]())
	return either(object{"enum": []any{true, config.AdaptiveOn}}, mapping), err
}

// ttlForm is a time that may count days and be written with spaces.
const ttlForm = `^([0-9]+ ?d)?( ?[0-9.]+ ?(ns|us|µs|ms|s|m|h))*$`

func keyPart(g *generator, _ field) (object, error) {
	mapping, err := g.reference(reflect.TypeFor[config.KeyPart]())
	return either(text(nil), mapping), err
}
