package settings

import (
	"reflect"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// ofPolicy is union for types of single policies, and for what they use.
func (d *decoder) ofPolicy(n *Node, target any) bool {
	switch v := target.(type) {
	case *[]config.Alias:
		d.aliases(n, v)
	case *config.CORS:
		d.orNone(n, &v.None, v, "{origins: [...], ...}")
	case *config.Origin:
		d.origin(n, v)
	case *[]config.Setting:
		d.set(n, v)
	case *config.Outbound:
		d.outbound(n, v)
	case *config.Adaptive:
		d.adaptive(n, v)
	case *config.MonitorFor:
		d.monitorFor(n, v)
	case *config.Compression:
		d.orNone(n, &v.None, v, "{codings: [zstd, gzip], ...}")
	case *config.Cache:
		d.orNone(n, &v.None, v, "{mode: standard, ...}")
	case *config.Collapse:
		d.orNone(n, &v.None, v, "{wait: 1s, max: 1000}")
	case *config.KeyPart:
		d.keyPart(n, v)
	case *config.TTL:
		d.ttl(n, v)
	default:
		return d.ofStore(n, target)
	}
	return true
}

// origin is a text or {pattern: …}.
func (d *decoder) origin(n *Node, v *config.Origin) {
	if n.Kind != Mapping {
		v.Text, _ = d.scalar(n)
		return
	}
	var form struct {
		Pattern string `yaml:"pattern"`
	}
	d.mapping(n, reflect.ValueOf(&form).Elem())
	v.Pattern = form.Pattern
}

// set is a mapping of names to texts, or to secrets that are written as one.
func (d *decoder) set(n *Node, v *[]config.Setting) {
	if n.Kind != Mapping {
		d.fault(n, "must be a mapping {name: text}, is %s", n.Kind)
		return
	}
	for i, key := range n.Keys {
		d.below(key.Text, func() {
			one := config.Setting{Name: key.Text}
			if item := n.Items[i]; item.Kind == Mapping || strings.HasPrefix(item.Text, "{encoded}") || strings.HasPrefix(item.Text, "{sealed}") {
				d.secret(item, &one.Secret)
			} else {
				d.value(item, reflect.ValueOf(&one.Text).Elem(), field{})
			}
			*v = append(*v, one)
		})
	}
}

// outbound is a mapping or one of some words.
func (d *decoder) outbound(n *Node, v *config.Outbound) {
	if n.Kind == Mapping {
		d.mapping(n, reflect.ValueOf(v).Elem())
		return
	}
	word, ok := d.scalar(n)
	switch words := config.OutboundWords(); {
	case !ok:
	case slices.Contains(words, word):
		v.Word = word
	case slices.Contains(config.LaterOutbound(), word):
		d.fault(n, "%q is not supported yet", word)
	default:
		d.fault(n, "%q is neither a mapping {basic: {user: ..., password: ...}} nor one of %s%s", word, strings.Join(words, ", "), config.DidYouMean(word, words))
	}
}

// adaptive is a mapping or the word "true".
func (d *decoder) adaptive(n *Node, v *config.Adaptive) {
	if n.Kind == Mapping {
		d.mapping(n, reflect.ValueOf(v).Elem())
	} else if d.word(n, config.AdaptiveOn, "{target: 50ms}") {
		v.Word = config.AdaptiveOn
	}
}

// monitorFor is the word "each", or a list of applications.
func (d *decoder) monitorFor(n *Node, v *config.MonitorFor) {
	if n.Kind != List {
		v.Each = d.word(n, "each", "[application, ...]")
		return
	}
	d.value(n, reflect.ValueOf(&v.Names).Elem(), field{})
}
