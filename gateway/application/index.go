package application

import (
	"strconv"

	"postern/gateway/claim"
	"postern/provisioning/config"
)

// pair is one claim and the text that it must have, or hold.
type pair struct {
	path  claim.Path
	value string
}

func newPairs(set config.ClaimSet) []pair {
	pairs := make([]pair, len(set))
	for i, c := range set {
		pairs[i] = pair{claim.Parse(c.Claim), c.Value}
	}
	return pairs
}

// Index finds one of some applications. It is immutable.
//
// It is a tree of the claims by which applications are looked for: each claim
// set stands at one of its claims, the one that the fewest others name with the
// same value, and the other claims are compared when it was hit.
type Index struct {
	root      node
	byID      map[string]*Application
	exact     exact
	addresses addresses
	hostnames map[string][]*Application // those of names below one begin with a dot
	payloads  []question
}

// node is a place in a token's claims.
type node struct {
	members map[string]*node     // by the next step
	items   map[int]*node        // those of members that are the index of an item
	values  map[string][]*claims // by the text that stands here
}

// claims is a claim set whose first claim is in the tree.
type claims struct {
	application *Application
	rest        []pair
}

func newIndex(applications []*Application) *Index {
	index := &Index{
		byID:  make(map[string]*Application, len(applications)),
		exact: newExact(applications), addresses: newAddresses(applications),
		hostnames: newHostnames(applications), payloads: newQuestions(applications),
	}
	shared := map[string]int{}
	for _, a := range applications {
		index.byID[a.ID] = a
		for _, set := range a.sets {
			for _, p := range set {
				shared[p.text()]++
			}
		}
	}
	for _, a := range applications {
		for _, set := range a.sets {
			index.add(a, set, shared)
		}
	}
	return index
}

// text tells pairs apart; it is used while the index is made.
func (p *pair) text() string {
	text := p.value
	for _, step := range p.path {
		text += "\x00" + step
	}
	return text
}

// add puts a claim set at its rarest claim.
func (x *Index) add(a *Application, set []pair, shared map[string]int) {
	rarest := 0
	for i := range set {
		if shared[set[i].text()] < shared[set[rarest].text()] {
			rarest = i
		}
	}
	c := &claims{application: a}
	for i := range set {
		if i != rarest {
			c.rest = append(c.rest, set[i])
		}
	}
	n := &x.root
	for _, step := range set[rarest].path {
		n = n.child(step)
	}
	if n.values == nil {
		n.values = map[string][]*claims{}
	}
	n.values[set[rarest].value] = append(n.values[set[rarest].value], c)
}

func (n *node) child(step string) *node {
	if next := n.members[step]; next != nil {
		return next
	}
	if n.members == nil {
		n.members, n.items = map[string]*node{}, map[int]*node{}
	}
	next := new(node)
	n.members[step] = next
	if i, err := strconv.Atoi(step); err == nil && i >= 0 && strconv.Itoa(i) == step {
		n.items[i] = next
	}
	return next
}
