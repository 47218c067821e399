package definition

import (
	"slices"
	"strings"

	"postern/provisioning/config"
)

// node is a place in the tree of a definition's paths, one level a segment.
type node struct {
	literals   map[string]*node
	templates  []*template // the most literal first
	operations map[string]*Operation
}

// template is a segment with parameters: literals before, between and after them.
type template struct {
	literals []string
	names    []string
	next     *node
}

// Found is the operation a request is for, with what stands in its path.
type Found struct {
	*Operation // nil: there is none
	method     string
	values     []value
	allow      []string // methods that there are for the path
}

// value is a parameter as it stands in a path.
type value struct{ name, raw string }

// Find is the operation of a method for a canonical path below the API's prefix.
// Literals come before templates. Without one, Operation is nil and allow are the
// methods that there are, if the path is known.
// Found borrows the memory of both.
func (d *Definition) Find(method, path string) (found Found, allow []string) {
	allow = d.FindInto(&found, method, path)
	return found, allow
}

// Forget lets go of what was borrowed.
func (f *Found) Forget() {
	clear(f.values[:cap(f.values)])
	*f = Found{values: f.values[:0]}
}

// FindInto is Find for a Found that was used before.
func (d *Definition) FindInto(found *Found, method, path string) (allow []string) {
	*found = Found{method: method, values: found.values[:0]}
	if path == "" {
		path = "/"
	}
	if found.walk(d.paths, path[1:]) {
		return nil
	}
	allow = found.allow
	slices.Sort(allow)
	return slices.Compact(allow)
}

// walk looks for the rest of a path below n.
func (f *Found) walk(n *node, rest string) bool {
	segment, rest, more := strings.Cut(rest, "/")
	if next := n.literals[segment]; next != nil && f.at(next, rest, more) {
		return true
	}
	for _, t := range n.templates {
		before := len(f.values)
		if f.take(t, segment) && f.at(t.next, rest, more) {
			return true
		}
		f.values = f.values[:before]
	}
	return false
}

// at goes on below a segment that fits, or ends there.
func (f *Found) at(n *node, rest string, more bool) bool {
	if more {
		return f.walk(n, rest)
	}
	f.Operation = n.operations[f.method]
	if f.Operation == nil && f.method == "HEAD" {
		f.Operation = n.operations["GET"]
	}
	if f.Operation == nil {
		for method := range n.operations {
			f.allow = append(f.allow, method)
		}
	}
	return f.Operation != nil
}

// take compares a segment with a template; what parameters hold is not empty.
func (f *Found) take(t *template, segment string) bool {
	segment, ok := strings.CutPrefix(segment, t.literals[0])
	for i, name := range t.names {
		after := t.literals[i+1]
		end := len(segment) - len(after)
		if i < len(t.names)-1 && ok && len(segment) > 0 {
			end = strings.Index(segment[1:], after) + 1
		}
		if !ok || end < 1 || !strings.HasPrefix(segment[end:], after) {
			return false
		}
		f.values = append(f.values, value{name, segment[:end]})
		segment = segment[end+len(after):]
	}
	return ok && segment == ""
}

// add makes a path of the definition known; an error says why it is none.
func (n *node) add(path string) (*node, string) {
	if !strings.HasPrefix(path, "/") {
		return nil, "a path begins with a slash"
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		t, fault := splitTemplate(segment)
		if fault != "" {
			return nil, fault
		}
		n = n.child(t)
	}
	return n, ""
}

func (n *node) child(t *template) *node {
	if len(t.names) == 0 {
		if n.literals == nil {
			n.literals = map[string]*node{}
		}
		if n.literals[t.literals[0]] == nil {
			n.literals[t.literals[0]] = new(node)
		}
		return n.literals[t.literals[0]]
	}
	for _, known := range n.templates {
		if slices.Equal(known.literals, t.literals) && slices.Equal(known.names, t.names) {
			return known.next
		}
	}
	t.next = new(node)
	n.templates = append(n.templates, t)
	slices.SortStableFunc(n.templates, func(a, b *template) int { return b.weight() - a.weight() })
	return t.next
}

// weight is how much of a template is literal.
func (t *template) weight() (n int) {
	for _, literal := range t.literals {
		n += len(literal)
	}
	return n
}

// splitTemplate takes a segment apart.
func splitTemplate(segment string) (*template, string) {
	t := new(template)
	rest := segment
	for {
		literal, after, more := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return nil, "} without {"
		}
		t.literals = append(t.literals, config.CanonicalSegment(literal))
		if !more {
			return t, ""
		}
		name, next, closed := strings.Cut(after, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return nil, "{ without a name and }"
		}
		if len(t.names) > 0 && t.literals[len(t.names)] == "" {
			return nil, "two parameters with nothing between them"
		}
		t.names = append(t.names, name)
		rest = next
	}
}

// Knows reports whether some request to a resource could be for an operation of
// the definition; a method of "" is any.
func (d *Definition) Knows(method, template string) bool {
	prefix, rest := strings.CutSuffix(template, "/**")
	want := strings.Split(prefix, "/")
	return slices.ContainsFunc(d.operations, func(o *Operation) bool {
		if method != "" && o.Method != method && !(method == "HEAD" && o.Method == "GET") {
			return false
		}
		have := strings.Split(o.Path, "/")
		if len(have) < len(want) || len(have) > len(want) && !rest {
			return false
		}
		for i := range want {
			if !strings.Contains(want[i]+have[i], "{") && want[i] != config.CanonicalSegment(have[i]) {
				return false
			}
		}
		return true
	})
}
