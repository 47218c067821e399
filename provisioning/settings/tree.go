package settings

import (
	"fmt"
	"slices"
)

// Tree is what all files and the environment say together.
type Tree struct {
	root *Node
	// local is the index of a merged list's item within its own document.
	local map[string][]int
	asked map[string]bool // the variables that an {env: NAME} names
	nodes int             // how many values all files hold
	// vendor is what shows that the settings are webMethods'; nil: nothing does.
	vendor   *Node
	policies [][2]*Node // mappings of that name, with their key: ours is a list
	userAuth *Node      // policies.user_auth of the environment or the command line
	warnings []Fault
}

// appended are the lists that several files may add to.
func isAppended(key string) bool {
	return key == "apis" || key == "auth_servers" || key == "applications" || key == "users" || key == "access_profiles" || key == "destinations"
}

// NewTree merges documents, in order: mappings key by key, lists of assets by
// appending. Anything else that stands twice is a fault. home is where the
// missing is reported when there is no document.
func NewTree(docs []*Node, home *Source) (*Tree, []Fault) {
	t := &Tree{root: &Node{Kind: Mapping, src: home, line: 1, col: 1}, local: map[string][]int{}, asked: map[string]bool{}}
	var faults []Fault
	if len(docs) > 0 {
		t.root.src, t.root.line, t.root.col = docs[0].src, docs[0].line, docs[0].col
	}
	for i, doc := range docs {
		if i == 0 || docs[i-1].src != doc.src {
			t.nodes += doc.src.nodes
		}
		for _, name := range doc.src.asks {
			t.asked[name] = true
		}
		for i, key := range doc.Keys {
			value, have := doc.Items[i], t.root.get(key.Text)
			switch {
			case key.Text == "policies" && value.Kind == Mapping:
				t.policies = append(t.policies, [2]*Node{key, value})
			case isAppended(key.Text) && value.Kind == List && (have == nil || have.Kind == List):
				t.append(key, have, value)
			case have == nil:
				t.root.set(key, value)
			default:
				merged, found := merge(have, value, path{key.Text})
				t.root.set(key, merged)
				faults = append(faults, found...)
			}
		}
	}
	return t, faults
}

func (t *Tree) append(key, have, value *Node) {
	for i := range value.Items {
		t.local[key.Text] = append(t.local[key.Text], i)
	}
	if have != nil {
		joined := *have
		joined.Items = append(slices.Clip(have.Items), value.Items...)
		value = &joined
	}
	t.root.set(key, value)
}

// merge joins what two documents say at one path. Neither is changed.
func merge(a, b *Node, at path) (*Node, []Fault) {
	if a.Kind != Mapping || b.Kind != Mapping {
		if a.Kind == Broken || b.Kind == Broken {
			return a, nil
		}
		return a, []Fault{{b.Place(), pathText(at), fmt.Sprintf("stands twice (see %s)", a.Place())}}
	}
	merged := *a
	merged.Keys, merged.Items = slices.Clone(a.Keys), slices.Clone(a.Items)
	var faults []Fault
	for i, key := range b.Keys {
		value := b.Items[i]
		if have := a.get(key.Text); have != nil {
			var found []Fault
			value, found = merge(have, value, append(slices.Clip(at), key.Text))
			faults = append(faults, found...)
		}
		merged.set(key, value)
	}
	return &merged, faults
}

// Locate returns where path stands, or the nearest place above it that is
// there: what is missing is reported at the mapping that should have held it.
// The text is the path as the place's own document counts.
func (t *Tree) Locate(steps []any) (Place, string) {
	n := t.root
	for _, step := range steps {
		next := child(n, step)
		if next == nil {
			break
		}
		n = next
	}
	if n.src.variable != "" {
		return n.Place(), n.src.variable
	}
	return n.Place(), t.text(steps)
}

func child(n *Node, step any) *Node {
	switch s := step.(type) {
	case string:
		if n.Kind == Mapping {
			return n.get(s)
		}
	case int:
		if n.Kind == List && s >= 0 && s < len(n.Items) {
			return n.Items[s]
		}
	}
	return nil
}

// text writes a path with the indexes of its own document.
func (t *Tree) text(steps []any) string {
	if len(steps) < 2 {
		return pathText(steps)
	}
	key, isKey := steps[0].(string)
	index, isIndex := steps[1].(int)
	local := t.local[key]
	if !isKey || !isIndex || index < 0 || index >= len(local) {
		return pathText(steps)
	}
	return pathText(append(path{key, local[index]}, steps[2:]...))
}
