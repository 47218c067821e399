package settings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"postern/provisioning/config"
)

// vendorTags are the tags that webMethods writes.
var vendorTags = []string{authServerAlias, "clientMetadataMapping", "serviceRegistryAlias", config.SimpleAlias, config.EndpointAlias, config.CredentialsAlias}

// tagged are the sections to which documents of these tags belong.
var tagged = map[string]string{
	"clientMetadataMapping": "security_settings", "serviceRegistryAlias": "service_registries",
	config.SimpleAlias: "aliases", config.EndpointAlias: "aliases", config.CredentialsAlias: "aliases",
}

const authServerAlias = "authServerAlias"

// vendorTag is the tag of a mapping, if it is one of webMethods'.
func vendorTag(n *yaml.Node) string {
	tag := strings.TrimPrefix(n.Tag, "!")
	if n.Kind == yaml.MappingNode && slices.Contains(vendorTags, tag) {
		return tag
	}
	return ""
}

// scalar, mapping and list make nodes that stand where n does.
func (n *Node) scalar(text string) *Node {
	return &Node{Text: text, src: n.src, line: n.line, col: n.col}
}

func (n *Node) mapping() *Node { return &Node{Kind: Mapping, src: n.src, line: n.line, col: n.col} }

func (n *Node) list(items ...*Node) *Node {
	return &Node{Kind: List, Items: items, src: n.src, line: n.line, col: n.col}
}

// put sets key in a mapping that belongs to nobody else.
func (n *Node) put(key string, value *Node) { n.set(value.scalar(key), value) }

func (n *Node) drop(key string) {
	if i := n.find(key); i >= 0 {
		n.Keys, n.Items = slices.Delete(slices.Clone(n.Keys), i, i+1), slices.Delete(slices.Clone(n.Items), i, i+1)
	}
}

// words is the text of key in n: "" where it has none.
func (n *Node) words(key string) string {
	value := n.get(key)
	if value == nil || value.Kind != Scalar || value.Null {
		return ""
	}
	return value.Text
}

// lift puts the auth servers of webMethods' sections and documents where ours
// stand.
func lift(doc *Node) *Node {
	if doc.tag == authServerAlias || doc.words("type") == authServerAlias {
		made := doc.mapping()
		made.put("auth_servers", doc.list(doc))
		return made
	}
	if section := tagged[doc.tag]; section != "" {
		inner, made := doc.mapping(), doc.mapping()
		inner.put(cmp.Or(doc.words("name"), doc.words("id")), doc)
		made.put(section, inner)
		return made
	}
	security := doc.get("security_settings")
	if security == nil || security.Kind != Mapping {
		return doc
	}
	theirs := security.get("auth_servers")
	if theirs == nil || theirs.Kind != List {
		return doc
	}
	made, rest := *doc, *security
	rest.drop("auth_servers")
	made.Keys, made.Items = slices.Clone(doc.Keys), slices.Clone(doc.Items)
	made.set(doc.Keys[doc.find("security_settings")], &rest)
	all := theirs
	if ours := doc.get("auth_servers"); ours != nil && ours.Kind == List {
		joined := *ours
		joined.Items = append(slices.Clip(ours.Items), theirs.Items...)
		all = &joined
	}
	made.set(security.Keys[security.find("auth_servers")], all)
	return &made
}

func quoted(text string) string { return strconv.Quote(text) }

// jsonText is text as a string of JSON.
func jsonText(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}
