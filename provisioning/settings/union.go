package settings

import (
	"reflect"

	"postern/provisioning/config"
)

// union decodes the types that are written in more than one way, or with units.
// It reports whether target is one of them.
func (d *decoder) union(n *Node, target any, f field) bool {
	switch v := target.(type) {
	case *config.Duration:
		d.duration(n, v, f)
	case *config.Size:
		d.size(n, v, f)
	case *config.Ratio:
		d.ratio(n, v, f)
	case *config.Address:
		d.address(n, v)
	case *config.Secret:
		d.secret(n, v)
	case *config.File:
		d.file(n, v)
	case *config.Definition:
		d.definition(n, v)
	case *config.Folder:
		d.folder(n, v)
	case *config.Installation:
		d.installation(n, v)
	case *config.Prefix:
		d.prefix(n, v)
	case *config.Issuer:
		d.issuer(n, v)
	case *config.Audience:
		d.audience(n, v)
	case *config.Access:
		d.access(n, v)
	case *config.Identify:
		d.orNone(n, &v.None, v, "{by: [jwt], ...}")
	case *config.Upgrade:
		d.orNone(n, &v.None, v, "{protocols: [websocket], ...}")
	case *[]config.Namespace:
		d.texts(n, "{prefix: URI}", func(prefix, uri string) { *v = append(*v, config.Namespace{Prefix: prefix, URI: uri}) })
	case *[]config.ClaimHeader:
		d.texts(n, "{Header: claim}", func(header, claim string) { *v = append(*v, config.ClaimHeader{Header: header, Claim: claim}) })
	case *config.ClaimSet:
		d.claimSet(n, v)
	case *config.APIKey:
		d.apiKey(n, v)
	case *config.AddressRange:
		d.addressRange(n, v)
	case *config.Balance:
		d.balance(n, v)
	case *config.Ejection:
		d.orNone(n, &v.None, v, "{failures: 5, ...}")
	case *config.Period:
		d.period(n, v)
	case *config.ThrottleBy:
		d.throttleBy(n, v)
	case *config.ThrottleFor:
		d.throttleFor(n, v)
	case *config.ThrottleException:
		d.throttleException(n, v)
	default:
		return d.ofPolicy(n, target)
	}
	return true
}

// issuer is a text or the word "unchecked".
func (d *decoder) issuer(n *Node, v *config.Issuer) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	if text == "unchecked" {
		v.Unchecked = true
		return
	}
	v.Value = text
}

// access is true, false or the word "errors".
func (d *decoder) access(n *Node, v *config.Access) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	switch word := config.Access(text); word {
	case config.AccessAll, config.AccessNone, config.AccessErrors:
		*v = word
	default:
		d.fault(n, "%q is not true, false or errors%s", text, config.DidYouMean(text, []string{"true", "false", "errors"}))
	}
}

// audience is a mapping or the word "unchecked".
func (d *decoder) audience(n *Node, v *config.Audience) {
	if n.Kind != Mapping {
		v.Unchecked = d.word(n, "unchecked", "{any: [...]}")
		return
	}
	var form struct {
		Any      []string `yaml:"any"`
		Required *bool    `yaml:"required"`
	}
	d.mapping(n, reflect.ValueOf(&form).Elem())
	v.Any = form.Any
	v.Optional = form.Required != nil && !*form.Required
}

// word reports whether n is the one word that may stand instead of a mapping.
func (d *decoder) word(n *Node, word, mapping string) bool {
	if n.Kind == Scalar && n.Text == word {
		return true
	}
	if n.Kind == Scalar {
		d.fault(n, "%q is neither a mapping %s nor the word %q%s", n.Text, mapping, word, config.DidYouMean(n.Text, []string{word}))
	} else {
		d.fault(n, "must be a mapping %s or the word %q, is %s", mapping, word, n.Kind)
	}
	return false
}

// orNone is a mapping or the word "none", which sets none. v points to the struct
// of the mapping, and form shows one.
func (d *decoder) orNone(n *Node, none *bool, v any, form string) {
	if n.Kind != Mapping {
		*none = d.word(n, "none", form)
		return
	}
	d.mapping(n, reflect.ValueOf(v).Elem())
}

// texts is a mapping of names to texts, such as form, whose order is kept.
func (d *decoder) texts(n *Node, form string, add func(name, text string)) {
	if n.Kind != Mapping {
		d.fault(n, "must be a mapping %s, is %s", form, n.Kind)
		return
	}
	for i, key := range n.Keys {
		d.below(key.Text, func() {
			var text string
			d.value(n.Items[i], reflect.ValueOf(&text).Elem(), field{})
			add(key.Text, text)
		})
	}
}

// claimSet is a mapping {claim: value}, or {claim: [value, …]} of a list that
// holds them all. Its order is kept.
func (d *decoder) claimSet(n *Node, v *config.ClaimSet) {
	if n.Kind != Mapping {
		d.fault(n, "must be a mapping {claim: value}, is %s", n.Kind)
		return
	}
	for i, key := range n.Keys {
		d.below(key.Text, func() {
			values := []string{""}
			if n.Items[i].Kind == List {
				d.value(n.Items[i], reflect.ValueOf(&values).Elem(), field{})
			} else {
				d.value(n.Items[i], reflect.ValueOf(&values[0]).Elem(), field{})
			}
			for _, value := range values {
				*v = append(*v, config.ClaimValue{Claim: key.Text, Value: value})
			}
		})
	}
}

// balance is a word, or {hash: {by: …}}.
func (d *decoder) balance(n *Node, v *config.Balance) {
	if n.Kind != Mapping {
		if text, ok := d.scalar(n); ok && text == config.ByHash {
			d.fault(n, "say of what: {hash: {by: ip}}")
		} else if ok {
			v.Method = text
		}
		return
	}
	var form struct {
		Hash struct {
			By string `yaml:"by"`
		} `yaml:"hash"`
	}
	d.mapping(n, reflect.ValueOf(&form).Elem())
	v.Method, v.By = config.ByHash, form.Hash.By
}
