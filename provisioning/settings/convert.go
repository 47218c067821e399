package settings

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Bounds on what a few bytes of YAML can become.
const (
	maxDepth  = 64
	maxNodes  = 4_000_000 // in a file
	maxCopies = 4         // how often aliases may repeat all values of a bundle
	minValues = 1_000_000 // values that are allowed in any case
)

// converter turns the library's nodes of one file into ours: aliases followed,
// merge keys filled in, keys unique.
type converter struct {
	src     *Source
	aliases map[*yaml.Node]*Node // what anchors became; nil while inside one
	at      path
	faults  []Fault
	budget  int
}

func (c *converter) fault(n *yaml.Node, format string, args ...any) {
	c.faults = append(c.faults, Fault{Place{c.src.Name, n.Line, n.Column}, pathText(c.at), fmt.Sprintf(format, args...)})
}

// convert returns a Broken node after a fault that leaves no value.
func (c *converter) convert(n *yaml.Node) *Node {
	if n.Kind == yaml.AliasNode {
		return c.alias(n)
	}
	if n.Anchor != "" {
		c.aliases[n] = nil
	}
	if c.budget--; c.budget < 0 || len(c.at) > maxDepth {
		if c.budget < 0 && c.budget > -2 || len(c.at) == maxDepth+1 {
			c.fault(n, "nested too deeply, or too many values")
		}
		return c.broken(n)
	}
	tag := ""
	if !isCoreTag(n.Tag) {
		tag = vendorTag(n)
	}
	if tag == "" && !isCoreTag(n.Tag) {
		// Without its name: what is unquoted here may be a secret.
		c.fault(n, "tags are not supported: quote a value that begins with !")
		return c.broken(n)
	}
	node := &Node{src: c.src, tag: tag, line: n.Line, col: n.Column}
	switch n.Kind {
	case yaml.MappingNode:
		node.Kind = Mapping
		c.mapping(n, node)
	case yaml.SequenceNode:
		node.Kind = List
		c.list(n, node)
	default:
		node.Text, node.Null = n.Value, isNull(n)
	}
	if n.Anchor != "" {
		c.aliases[n] = node
	}
	return node
}

func (c *converter) broken(n *yaml.Node) *Node {
	return &Node{Kind: Broken, src: c.src, line: n.Line, col: n.Column}
}

func (c *converter) alias(n *yaml.Node) *Node {
	node := c.aliases[n.Alias]
	if node == nil {
		c.fault(n, "*%s lies within itself", n.Value)
		return c.broken(n)
	}
	return node
}

func (c *converter) list(n *yaml.Node, node *Node) {
	node.Items = make([]*Node, 0, len(n.Content))
	for i, item := range n.Content {
		c.at = append(c.at, i)
		node.Items = append(node.Items, c.convert(item))
		c.at = c.at[:len(c.at)-1]
	}
}

// maxKeys of one mapping: no section has so many, and a file of another kind
// must not hold up a reload.
const maxKeys = 10_000

func (c *converter) mapping(n *yaml.Node, node *Node) {
	if len(n.Content) > 2*maxKeys {
		c.fault(n, "a mapping of %d keys is more than the %d that are read", len(n.Content)/2, maxKeys)
		node.Kind = Broken
		return
	}
	node.Keys, node.Items = make([]*Node, 0, len(n.Content)/2), make([]*Node, 0, len(n.Content)/2)
	var merges []*yaml.Node
	seen := keysFor(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			c.fault(key, "a key must be text")
			continue
		}
		c.at = append(c.at, key.Value)
		if first := seen.find(node, key.Value); first != nil {
			c.fault(key, "key %q stands twice (see %s)", key.Value, first.Place())
		} else {
			seen.add(node, &Node{Text: key.Value, src: c.src, line: key.Line, col: key.Column}, c.convert(value))
		}
		c.at = c.at[:len(c.at)-1]
	}
	for _, value := range merges {
		c.merge(value, node, seen)
	}
	if len(node.Keys) == 1 && node.Keys[0].Text == "env" && node.Items[0].Kind == Scalar {
		c.src.asks = append(c.src.asks, node.Items[0].Text)
	}
}

// merge fills in what <<: says; keys that stand in the mapping itself win.
func (c *converter) merge(value *yaml.Node, node *Node, seen keys) {
	from := c.convert(value)
	if from.Kind == Broken {
		return
	}
	parts := []*Node{from}
	if from.Kind == List {
		parts = from.Items
	}
	for _, part := range parts {
		if part.Kind != Mapping {
			c.fault(value, "<< takes a mapping, not %s", part.Kind)
			continue
		}
		if c.budget -= len(part.Keys); c.budget < 0 {
			c.fault(value, "too many values")
			return
		}
		for i, key := range part.Keys {
			if seen.find(node, key.Text) == nil {
				seen.add(node, key, part.Items[i])
			}
		}
	}
}

// keys finds a mapping's keys: by looking through the few that most mappings
// have, by an index in the others.
type keys map[string]*Node

const fewKeys = 16

// keysFor makes an index where n may get more than a few keys.
func keysFor(n *yaml.Node) keys {
	if len(n.Content) > 2*fewKeys {
		return make(keys, len(n.Content)/2)
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			return keys{}
		}
	}
	return nil
}

func (k keys) find(node *Node, text string) *Node {
	if k != nil {
		return k[text]
	}
	if i := node.find(text); i >= 0 {
		return node.Keys[i]
	}
	return nil
}

func (k keys) add(node, key, value *Node) {
	node.Keys, node.Items = append(node.Keys, key), append(node.Items, value)
	if k != nil {
		k[key.Text] = key
	}
}
