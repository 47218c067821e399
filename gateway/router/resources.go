package router

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// node is a place in the tree of an API's resources, one level a segment.
type node struct {
	literals map[string]*node
	template *node // {x}: one segment that is not empty
	here     leaf  // resources that end here
	below    leaf  // resources that end with /** here
}

// leaf is the resources of one template, by method.
type leaf struct {
	methods map[string]int
	every   int // the resource that takes every method; -1: none
}

func newNode() *node { return &node{here: leaf{every: -1}, below: leaf{every: -1}} }

// newTree is nil when an API states no resources.
func newTree(resources []config.Resource) *node {
	if resources == nil {
		return nil
	}
	tree := newNode()
	for i, r := range resources {
		tree.add(r, i)
	}
	return tree
}

func (n *node) add(r config.Resource, index int) {
	path, rest := strings.CutSuffix(r.Path, "/**")
	for _, segment := range strings.Split(path, "/")[1:] {
		n = n.child(segment)
	}
	if rest {
		n.below.add(r.Methods, index)
		return
	}
	n.here.add(r.Methods, index)
}

func (n *node) child(segment string) *node {
	if strings.HasPrefix(segment, "{") {
		if n.template == nil {
			n.template = newNode()
		}
		return n.template
	}
	if n.literals == nil {
		n.literals = map[string]*node{}
	}
	if n.literals[segment] == nil {
		n.literals[segment] = newNode()
	}
	return n.literals[segment]
}

func (l *leaf) add(methods []string, index int) {
	if len(methods) == 0 {
		l.every = index
		return
	}
	if l.methods == nil {
		l.methods = map[string]int{}
	}
	for _, m := range methods {
		l.methods[m] = index
	}
}

// find returns the resource that takes method at rest, a path without its first
// slash; -1: none. Literal beats template beats /**, from left to right; what
// leads nowhere is taken back. Each node is visited at most once, so the tree
// bounds the work, whatever the path.
func (n *node) find(method, rest []byte) int {
	segment, after, more := bytes.Cut(rest, slash)
	for _, child := range n.children(segment) {
		if child == nil {
			continue
		}
		if found := child.end(method, after, more); found >= 0 {
			return found
		}
	}
	return n.below.find(method)
}

// end is find for the node that took the segment before rest; more says that
// there is a rest, be it empty.
func (n *node) end(method, rest []byte, more bool) int {
	if more {
		return n.find(method, rest)
	}
	if found := n.here.find(method); found >= 0 {
		return found
	}
	return n.below.find(method)
}

// children are the nodes that take segment, the best first; absent ones are nil.
func (n *node) children(segment []byte) [2]*node {
	all := [2]*node{n.literals[string(segment)], n.template}
	if len(segment) == 0 {
		all[1] = nil
	}
	return all
}

// find returns the resource that takes method. HEAD follows GET.
func (l *leaf) find(method []byte) int {
	if index, ok := l.methods[string(method)]; ok {
		return index
	}
	if index, ok := l.methods["GET"]; ok && string(method) == "HEAD" {
		return index
	}
	return l.every
}

// allow lists the methods that rest has, for the Allow field; "" is a path that
// nobody has.
func (n *node) allow(rest []byte) string {
	methods := map[string]bool{}
	n.collect(rest, methods)
	if methods["GET"] {
		methods["HEAD"] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
}

func (n *node) collect(rest []byte, methods map[string]bool) {
	n.below.collect(methods)
	segment, after, more := bytes.Cut(rest, slash)
	for _, child := range n.children(segment) {
		switch {
		case child == nil:
		case more:
			child.collect(after, methods)
		default:
			child.here.collect(methods)
			child.below.collect(methods)
		}
	}
}

func (l *leaf) collect(methods map[string]bool) {
	for m := range l.methods {
		methods[m] = true
	}
}
