package application

import (
	"fmt"

	"postern/gateway/claim"
)

// maxWork bounds the comparisons of one search: a token can hold long lists, and
// many claim sets one of the same claims.
const maxWork = 1 << 16

// search is one search under way. It stays on the stack.
type search struct {
	server    string // whose tokens the application must admit
	claims    map[string]any
	work      int
	found     *Application
	suspended *Application // another that would have been found
	several   *Application // a second one that was found
}

// Find returns the one application whose claim set a token of an auth server
// holds. It allocates nothing when there is one.
func (x *Index) Find(server string, claims map[string]any) (*Application, error) {
	s := search{server: server, claims: claims, work: maxWork}
	s.walk(&x.root, claims)
	switch {
	case s.work < 0:
		return nil, ErrTooMuch
	case s.several != nil:
		return nil, fmt.Errorf("%w: %q and %q", ErrSeveral, s.found.Name, s.several.Name)
	case s.found != nil:
		return s.found, nil
	case s.suspended != nil:
		return nil, fmt.Errorf("%w: %q", ErrSuspended, s.suspended.Name)
	}
	return nil, ErrNone
}

// Holds reports whether a is one of its applications.
func (x *Index) Holds(a *Application) bool { return x.byID[a.ID] == a }

// Own returns the application of an id whose own key has verified a token with
// these claims. They must be those of one of its claim sets, when it has any,
// and of no other application's that everybody's tokens may speak for.
func (x *Index) Own(id string, claims map[string]any) (*Application, error) {
	a := x.byID[id]
	switch {
	case a == nil:
		return nil, ErrNone
	case a.suspended:
		return nil, fmt.Errorf("%w: %q", ErrSuspended, a.Name)
	}
	s := search{claims: claims, work: maxWork}
	if len(a.sets) > 0 && !s.holdsOne(a.sets) {
		return nil, fmt.Errorf("%w: those of %q, whose key it is", ErrNone, a.Name)
	}
	if s.walk(&x.root, claims); s.work < 0 {
		return nil, ErrTooMuch
	}
	for _, other := range [...]*Application{s.found, s.several, s.suspended} {
		if other != nil && other != a {
			return nil, fmt.Errorf("%w: %q, whose key it is, and %q", ErrSeveral, a.Name, other.Name)
		}
	}
	return a, nil
}

// done reports whether nothing more can change the outcome.
func (s *search) done() bool { return s.several != nil || s.work < 0 }

// walk looks at v, and at what in it the tree leads to: through the tree or
// through v, whichever has less.
func (s *search) walk(n *node, v any) {
	if n.values != nil {
		s.look(n, v)
	}
	if n.members == nil || s.done() {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		s.object(n, v)
	case []any:
		s.list(n, v)
	}
}

func (s *search) object(n *node, v map[string]any) {
	s.work -= min(len(n.members), len(v))
	if len(n.members) <= len(v) {
		for name, next := range n.members {
			if member, ok := v[name]; ok {
				s.walk(next, member)
			}
		}
		return
	}
	for name, member := range v {
		if next := n.members[name]; next != nil {
			s.walk(next, member)
		}
	}
}

func (s *search) list(n *node, v []any) {
	s.work -= min(len(n.items), len(v))
	if len(n.items) <= len(v) {
		for i, next := range n.items {
			if i < len(v) {
				s.walk(next, v[i])
			}
		}
		return
	}
	for i := range v {
		if next := n.items[i]; next != nil {
			s.walk(next, v[i])
		}
	}
}

// look compares the claim sets that stand at a value, or at an item of a list.
func (s *search) look(n *node, v any) {
	list, ok := v.([]any)
	if !ok {
		s.compare(n, v)
		return
	}
	for _, item := range list {
		if s.done() {
			return
		}
		s.compare(n, item)
	}
}

func (s *search) compare(n *node, v any) {
	s.work--
	text, ok := claim.Text(v)
	if !ok {
		return
	}
	for _, c := range n.values[text] {
		if s.work--; s.done() {
			return
		}
		if a := c.application; a != s.found && a.admits(s.server) && s.holds(c.rest) {
			s.take(a)
		}
	}
}

func (s *search) take(a *Application) {
	switch {
	case a.suspended:
		s.suspended = a
	case s.found == nil:
		s.found = a
	default:
		s.several = a
	}
}

func (s *search) holdsOne(sets [][]pair) bool {
	for _, set := range sets {
		if s.holds(set) {
			return true
		}
	}
	return false
}

// holds reports whether the token has all the claims.
func (s *search) holds(pairs []pair) bool {
	for i := range pairs {
		v, ok := pairs[i].path.Find(s.claims)
		list, _ := v.([]any)
		if s.work -= 1 + len(list); s.work < 0 || !ok || !claim.Contains(v, pairs[i].value) {
			return false
		}
	}
	return true
}
