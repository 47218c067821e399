package settings

import (
	"slices"
	"strings"
)

// Settings of webMethods Microgateway are read as they are: before the tree is
// decoded, what they say is said in our own words, in nodes that stand where
// theirs did, so that every fault has its line. What nothing here acts on is
// warned of.

// asVendor remembers the first thing that shows whose settings these are.
func (t *Tree) asVendor(n *Node) {
	if t.vendor == nil {
		t.vendor = n
	}
}

// Translate turns what only webMethods' settings say into this grammar. It comes
// after Overlay and Override, and before Decode.
func (t *Tree) Translate() (faults, warnings []Fault) {
	v := &vendor{tree: t, root: t.root}
	v.inert()
	v.authServers()
	v.userAuth()
	v.level()
	v.faultMessage()
	v.esDestination()
	v.aliases()
	v.stores()
	v.adminOnTraffic()
	return v.faults, append(t.warnings, v.warnings...)
}

// vendor is one translation.
type vendor struct {
	tree             *Tree
	root             *Node
	faults, warnings []Fault
}

func (v *vendor) warn(n *Node, at string, message string) {
	v.warnings = append(v.warnings, v.about(n, at, message))
}

func (v *vendor) fault(n *Node, at string, message string) {
	v.faults = append(v.faults, v.about(n, at, message))
}

func (v *vendor) about(n *Node, at, message string) Fault {
	if n.src.variable != "" {
		at = n.src.variable
	}
	return Fault{n.Place(), at, message}
}

// section returns a mapping at the top with its key; nil where there is none, or
// where it is something else, which the decoder says.
func (v *vendor) section(key string) (named, value *Node) {
	i := v.root.find(key)
	if i < 0 || v.root.Items[i].Kind != Mapping {
		return nil, nil
	}
	return v.root.Keys[i], v.root.Items[i]
}

// own makes a section that may be changed: nodes of files may be shared.
func (v *vendor) own(key string, place *Node) *Node {
	named, value := v.section(key)
	if value == nil {
		named, value = place.scalar(key), place.mapping()
	}
	copied := *value
	copied.Keys, copied.Items = slices.Clone(value.Keys), slices.Clone(value.Items)
	v.root.set(named, &copied)
	return &copied
}

// adminOnTraffic puts the operator's paths on the ports of the APIs, where
// webMethods has them.
func (v *vendor) adminOnTraffic() {
	from := v.tree.vendor
	_, admin := v.section("admin_api")
	if from == nil || v.root.get("admin_api") != nil && admin == nil || admin != nil && admin.get("on_traffic_port") != nil {
		return
	}
	v.own("admin_api", from).put("on_traffic_port", from.scalar("true"))
	v.warn(from, "admin_api.on_traffic_port", "is true, as webMethods has it: status and assets are on the ports of the APIs too; say true or false")
}

// level takes the two levels of webMethods that are not ours.
func (v *vendor) level() {
	_, logging := v.section("logging")
	if logging == nil {
		return
	}
	n := logging.get("level")
	if n == nil || n.Kind != Scalar {
		return
	}
	ours := map[string]string{"trace": "debug", "fatal": "error"}[strings.ToLower(n.Text)]
	if ours == "" {
		return
	}
	v.own("logging", n).put("level", n.scalar(ours))
	v.warn(n, "logging.level", n.Text+" is "+ours+" here")
}

// userAuth is a mapping where our policies are a list.
func (v *vendor) userAuth() {
	given := v.tree.userAuth
	for _, theirs := range v.tree.policies {
		named, policies := theirs[0], theirs[1]
		if len(policies.Keys) == 0 {
			v.fault(named, "policies", "is a list here, or {user_auth: internal}")
		}
		for i, key := range policies.Keys {
			if key.Text != "user_auth" {
				v.fault(key, "policies."+key.Text, "unknown field "+quoted(key.Text)+"; policies is a list here, or {user_auth: internal}")
				continue
			}
			v.tree.asVendor(key)
			if given == nil {
				given = policies.Items[i]
			}
		}
	}
	switch at := "policies.user_auth"; {
	case given == nil, strings.EqualFold(given.Text, "internal"):
	case strings.EqualFold(given.Text, "delegated"):
		v.warn(given, at, "nobody is asked about users: they are those of users, and of users.cnf in api_gateway.dir")
	default:
		v.fault(given, at, quoted(given.Text)+" is neither internal nor delegated")
	}
}

// faultMessage words every failure with one text.
func (v *vendor) faultMessage() {
	_, faults := v.section("faults")
	if faults == nil {
		return
	}
	n := faults.get("default_error_message")
	if n == nil {
		return
	}
	own := v.own("faults", n)
	v.tree.asVendor(n)
	own.drop("default_error_message")
	if own.get("format") == nil {
		own.put("format", n.scalar("webmethods"))
	}
	if n.Kind != Scalar || n.Null || n.Text == "" || own.get("default") != nil {
		v.warn(n, "faults.default_error_message", "is no text, or default says it: it is not used")
		return
	}
	answer := n.mapping()
	answer.put("content_type", n.scalar("json"))
	answer.put("body", n.scalar(`{"Exception":`+jsonText(n.Text)+`}`))
	own.put("default", answer)
}
