package message

import (
	"strings"

	"github.com/antchfx/xpath"
)

// maxMoves bounds the work of one XPath expression on one document: its engine
// asks for one node after the other.
const maxMoves = 2_000_000

// navigator stands at a node of a document, as the engine of XPath wants it. Its
// copies share what is left of the work; once that is used up, it moves no more.
type navigator struct {
	place
	root   *node
	left   *int
	weight int // of a byte of text
}

// place is a node, or one of its attributes.
type place struct {
	at        *node
	attribute int // -1: at itself
}

func newNavigator(root *node, weight int) *navigator {
	left := maxMoves
	return &navigator{place: place{root, -1}, root: root, left: &left, weight: max(weight, 1)}
}

// look counts the work of a text, and reports whether there may be more.
func (n *navigator) look(length int) bool { return n.spend(1 + length*n.weight/64) }

// spend counts work, and reports whether there may be more.
func (n *navigator) spend(work int) bool {
	*n.left -= work
	return *n.left >= 0
}

// NodeType implements xpath.NodeNavigator.
func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.attribute >= 0:
		return xpath.AttributeNode
	case n.at.kind == documentNode:
		return xpath.RootNode
	case n.at.kind == textNode:
		return xpath.TextNode
	case n.at.kind == commentNode:
		return xpath.CommentNode
	}
	return xpath.ElementNode
}

// LocalName implements xpath.NodeNavigator.
func (n *navigator) LocalName() string {
	if n.attribute >= 0 {
		return n.at.attributes[n.attribute].name
	}
	return n.at.name
}

// Prefix implements xpath.NodeNavigator. A name without a prefix in an expression
// is in no namespace (XPath 1.0, 2.3), which the engine decides by this prefix: an
// element of a default namespace gets one.
func (n *navigator) Prefix() string {
	prefix, space := n.at.prefix, n.at.space
	if n.attribute >= 0 {
		prefix, space = n.at.attributes[n.attribute].prefix, n.at.attributes[n.attribute].space
	}
	if prefix == "" && space != "" {
		return "xmlns"
	}
	return prefix
}

// NamespaceURL is what the engine asks for where an expression has a prefix.
func (n *navigator) NamespaceURL() string {
	if n.attribute >= 0 {
		return n.at.attributes[n.attribute].space
	}
	return n.at.space
}

// Value implements xpath.NodeNavigator.
func (n *navigator) Value() string {
	switch {
	case n.attribute >= 0:
		n.look(len(n.at.attributes[n.attribute].value))
		return n.at.attributes[n.attribute].value
	case n.at.kind == textNode || n.at.kind == commentNode:
		n.look(len(n.at.text))
		return string(n.at.text)
	}
	var b strings.Builder
	n.text(&b, n.at)
	return b.String()
}

// text writes the texts below a node.
func (n *navigator) text(b *strings.Builder, at *node) {
	for c := at.first; c != nil && n.look(len(c.text)); c = c.next {
		if c.kind == textNode {
			b.Write(c.text)
		}
		n.text(b, c)
	}
}

// Copy implements xpath.NodeNavigator.
func (n *navigator) Copy() xpath.NodeNavigator {
	n.spend(1)
	c := *n
	return &c
}

// MoveToRoot implements xpath.NodeNavigator.
func (n *navigator) MoveToRoot() { n.at, n.attribute = n.root, -1 }

// MoveToParent implements xpath.NodeNavigator.
func (n *navigator) MoveToParent() bool {
	if n.attribute >= 0 {
		n.attribute = -1
		return n.spend(1)
	}
	return n.to(n.at.parent)
}

// MoveToNextAttribute implements xpath.NodeNavigator.
func (n *navigator) MoveToNextAttribute() bool {
	if n.attribute+1 >= len(n.at.attributes) || !n.spend(1) {
		return false
	}
	n.attribute++
	return true
}

// MoveToChild implements xpath.NodeNavigator.
func (n *navigator) MoveToChild() bool { return n.attribute < 0 && n.to(n.at.first) }

// MoveToFirst implements xpath.NodeNavigator.
func (n *navigator) MoveToFirst() bool {
	if n.attribute >= 0 || n.at.previous == nil {
		return false
	}
	return n.to(n.at.parent.first)
}

// MoveToNext implements xpath.NodeNavigator.
func (n *navigator) MoveToNext() bool { return n.attribute < 0 && n.to(n.at.next) }

// MoveToPrevious implements xpath.NodeNavigator.
func (n *navigator) MoveToPrevious() bool { return n.attribute < 0 && n.to(n.at.previous) }

// MoveTo implements xpath.NodeNavigator.
func (n *navigator) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(*navigator)
	if !ok || o.root != n.root {
		return false
	}
	n.place = o.place
	return true
}

func (n *navigator) to(at *node) bool {
	if at == nil || !n.spend(1) {
		return false
	}
	n.at = at
	return true
}
