package settings

import (
	"reflect"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// Keys of an alias that say nothing, and those that are warned of.
var (
	silentAliasKeys = []string{"id", "name", "description", "owner"}
	inertAliasKeys  = []string{"optimizationTechnique", "passSecurityHeaders", "keystoreAlias", "keyAlias", "truststoreAlias", "authType", "authMode", "stage", "oauth2Token", "kerberosCredentials"}
)

// maxReplaced bounds all texts together in which aliases were replaced.
const maxReplaced = 16 << 20

// aliases is a mapping of names to what they stand for, whose order is kept.
func (d *decoder) aliases(n *Node, v *[]config.Alias) {
	if n.Kind != Mapping {
		d.fault(n, "must be a mapping {name: {type: simple, value: ...}}, is %s", n.Kind)
		return
	}
	for i, key := range n.Keys {
		d.below(key.Text, func() {
			one := config.Alias{Name: key.Text}
			d.mapping(n.Items[i], reflect.ValueOf(&one).Elem())
			*v = append(*v, one)
		})
	}
}

// aliases replaces ${name} below apis and policies by what the alias stands for,
// in nodes that stand where the name did.
func (v *vendor) aliases() {
	_, section := v.section("aliases")
	if section == nil {
		return
	}
	section = v.own("aliases", section)
	r := replacer{vendor: v, aliases: map[string]*Node{}, done: map[*Node]*Node{}}
	for i, key := range section.Keys {
		if item := section.Items[i]; item.Kind == Mapping {
			section.Items[i] = v.alias(item, "aliases."+key.Text)
			r.aliases["${"+key.Text+"}"] = section.Items[i]
		}
	}
	for _, key := range []string{"apis", "policies"} {
		if i := v.root.find(key); i >= 0 {
			v.root.Items[i] = r.replace(v.root.Items[i], path{key})
		}
	}
}

// alias drops what is not acted on.
func (v *vendor) alias(item *Node, at string) *Node {
	kept := *item
	kept.Keys, kept.Items = nil, nil
	for i, key := range item.Keys {
		switch {
		case slices.Contains(silentAliasKeys, key.Text):
		case slices.Contains(inertAliasKeys, key.Text):
			v.warn(key, at+"."+key.Text, "not acted on")
		default:
			kept.Keys, kept.Items = append(kept.Keys, key), append(kept.Items, item.Items[i])
		}
	}
	if credentials := kept.get("httpAuthCredentials"); credentials != nil && credentials.Kind == Mapping && credentials.get("domain") != nil {
		copied := *credentials
		copied.drop("domain")
		kept.Items = slices.Clone(kept.Items)
		kept.Items[kept.find("httpAuthCredentials")] = &copied
		v.warn(credentials.get("domain"), at+".httpAuthCredentials.domain", "not acted on")
	}
	return &kept
}

// replacer copies what holds an alias. Nodes that are shared are looked at once.
type replacer struct {
	*vendor
	aliases map[string]*Node // by ${name}
	done    map[*Node]*Node
	written int // bytes so far
}

func (r *replacer) replace(n *Node, at path) *Node {
	if made, known := r.done[n]; known {
		return made
	}
	made := n
	switch {
	case n.Kind == Scalar && strings.Contains(n.Text, "${"):
		made = r.text(n, at)
	case n.Kind == Mapping || n.Kind == List:
		made = r.items(n, at)
	}
	r.done[n] = made
	return made
}

func (r *replacer) items(n *Node, at path) *Node {
	made := n
	for i, item := range n.Items {
		step := any(i)
		if n.Kind == Mapping {
			step = n.Keys[i].Text
		}
		next := r.replace(item, append(slices.Clip(at), step))
		if next == item {
			continue
		}
		if made == n {
			copied := *n
			copied.Keys, copied.Items = slices.Clone(n.Keys), slices.Clone(n.Items)
			made = &copied
		}
		made.Items[i] = next
	}
	if targets := n.get("targets"); targets != nil && made != n {
		r.timeouts(made, targets)
	}
	return made
}

// text is n with its aliases replaced; credentials are the whole of outbound.
func (r *replacer) text(n *Node, at path) *Node {
	if alias := r.aliases[n.Text]; alias != nil && alias.words("type") == config.CredentialsAlias && at[len(at)-1] == "outbound" {
		basic, made := n.mapping(), n.mapping()
		if from := alias.get("httpAuthCredentials"); from != nil && from.Kind == Mapping {
			for theirs, ours := range map[string]string{"userName": "user", "password": "password"} {
				if value := from.get(theirs); value != nil {
					basic.put(ours, value)
				}
			}
		}
		made.put("basic", basic)
		return made
	}
	var b strings.Builder
	rest := n.Text
	for {
		start := strings.Index(rest, "${")
		end := strings.IndexByte(rest[max(start, 0):], '}')
		if start < 0 || end < 0 {
			break
		}
		end += start + 1
		alias := r.aliases[rest[start:end]]
		if alias == nil || start > 0 && rest[start-1] == '$' {
			b.WriteString(rest[:start+2])
			rest = rest[start+2:]
			continue
		}
		b.WriteString(rest[:start])
		text := r.value(n, alias, at)
		if r.written += start + len(text); r.written > maxReplaced {
			if r.written-start-len(text) <= maxReplaced {
				r.fault(n, r.tree.text(at), "all texts together are longer than 16 MiB with their aliases replaced")
			}
			return n
		}
		b.WriteString(text)
		rest = rest[end:]
	}
	if b.WriteString(rest); b.String() == n.Text {
		return n
	}
	return n.scalar(b.String())
}

// value is the text of an alias that is used at n.
func (r *replacer) value(n, alias *Node, at path) string {
	switch alias.words("type") {
	case config.EndpointAlias:
		return alias.words("endPointURI")
	case config.CredentialsAlias:
		r.fault(n, r.tree.text(at), "an alias of credentials is the whole of outbound, and nothing else")
		return ""
	}
	return alias.words("value")
}

// timeouts are those of the endpoint that is the first target.
func (r *replacer) timeouts(upstream, targets *Node) {
	for _, target := range targets.Items {
		url := target.words("url")
		end := strings.IndexByte(url, '}')
		if end < 0 {
			continue
		}
		alias := r.aliases[url[:end+1]]
		if alias == nil {
			continue
		}
		for theirs, ours := range map[string]string{"connectionTimeout": "connect_timeout", "readTimeout": "timeout"} {
			if seconds := alias.words(theirs); onlyDigits(seconds) && strings.Trim(seconds, "0") != "" && upstream.get(ours) == nil {
				upstream.put(ours, alias.get(theirs).scalar(seconds+"s"))
			}
		}
		return
	}
}

// aliasKeys are what a variable can state of an alias, the longer before what
// ends it.
var aliasKeys = []string{"httpAuthCredentials_userName", "httpAuthCredentials_password", "connectionTimeout", "readTimeout", "endPointURI", "value", "type"}

// aliasSetting finds what aliases_NAME_key means; in NAME letters are compared
// without case with the names that are there, else they count as written.
func (t *Tree) aliasSetting(name string) (setting, bool) {
	const prefix = "aliases_"
	if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
		return setting{}, false
	}
	name = name[len(prefix):]
	for _, key := range aliasKeys {
		cut := len(name) - len("_") - len(key)
		if cut < 1 || !strings.EqualFold(name[cut:], "_"+key) {
			continue
		}
		alias := name[:cut]
		if section := t.root.get("aliases"); section != nil {
			for _, known := range section.Keys {
				if strings.EqualFold(known.Text, alias) {
					alias = known.Text
				}
			}
		}
		return setting{keys: append([]string{"aliases", alias}, strings.Split(key, "_")...)}, true
	}
	return setting{}, false
}
