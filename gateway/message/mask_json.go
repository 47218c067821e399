package message

import (
	"fmt"

	"github.com/ohler55/ojg/jp"
)

// maskJSON hides what paths find in text, which is the body's.
func (m *Message) maskJSON(text []byte, list []*Masking) ([]byte, int, error) {
	root, err := m.markJSON(int64(len(text)), list)
	if err != nil || root == nil {
		return text, 0, err
	}
	e := jsonMasker{spotEditor{text: text}}
	e.value(e.blank(0), root)
	text, err = m.spliced(text, e.splices)
	return text, len(e.splices), err
}

// jsonMark is a place in a value; what is hidden there, or below.
type jsonMark struct {
	by    *Masking // nil: nothing of its own
	names map[string]*jsonMark
	items map[int]*jsonMark
}

// markJSON says where in a value paths find something; nil: nowhere.
func (m *Message) markJSON(size int64, list []*Masking) (root *jsonMark, err error) {
	for _, k := range list {
		if k.path == nil {
			continue
		}
		tree, err := m.tree(k.filter)
		if err != nil {
			return nil, err
		}
		found, err := m.locate(k.path, tree, size)
		if err != nil {
			return nil, err
		}
		for _, place := range found {
			if root == nil {
				root = new(jsonMark)
			}
			if err := m.reserve(markCost * root.add(place, k)); err != nil {
				return nil, err
			}
		}
	}
	return root, nil
}

// What the places that a path finds take of the memory for bodies, in bytes.
const (
	placesAtLeast = 4 << 10
	placeCost     = 48
	stepCost      = 32 // of a place
	markCost      = 400
)

// locate is where a path finds something.
func (m *Message) locate(path jp.Expr, tree any, size int64) ([]jp.Expr, error) {
	if len(path) == 1 {
		return []jp.Expr{path}, nil // the root, which is no step
	}
	most, one := 0, int64(placeCost+stepCost*(depthOf(tree)+2))
	for _, times := range [...]int64{8, 64} { // the text; few need more than the first
		memory := times*size + placesAtLeast
		if err := m.reserve(memory); err != nil {
			return nil, err
		}
		most = int(memory / one)
		if found := path.Locate(tree, most); len(found) < most {
			return found, nil
		}
	}
	return nil, fmt.Errorf("%w: a path finds %d values or more", ErrTooMuch, most)
}

// depthOf is how deep values are in each other.
func depthOf(v any) (depth int) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			depth = max(depth, 1+depthOf(member))
		}
	case []any:
		for _, item := range v {
			depth = max(depth, 1+depthOf(item))
		}
	}
	return depth
}

// add marks a place, which makes so many marks. What removes it outweighs what
// masks it.
func (k *jsonMark) add(place jp.Expr, by *Masking) (made int64) {
	for _, step := range place {
		switch s := step.(type) {
		case jp.Child:
			if k.names == nil {
				k.names = map[string]*jsonMark{}
			}
			k = under(k.names, string(s), &made)
		case jp.Nth:
			if k.items == nil {
				k.items = map[int]*jsonMark{}
			}
			k = under(k.items, int(s), &made)
		}
	}
	if k.by == nil || by.remove {
		k.by = by
	}
	return made
}

func under[K comparable](marks map[K]*jsonMark, key K, made *int64) *jsonMark {
	if marks[key] == nil {
		marks[key] = new(jsonMark)
		*made++
	}
	return marks[key]
}

// jsonMasker notes what is to be changed in one text.
type jsonMasker struct{ spotEditor }

// value hides what is marked in the value at i, and returns where that ends.
func (e *jsonMasker) value(i int, k *jsonMark) (end int) {
	if k.by != nil {
		end = e.skip(i)
		e.splices = append(e.splices, splice{from: i, to: end, before: k.by.with[AsJSON]})
		return end
	}
	object, kept, previous := e.text[i] == '{', false, i+1
	at := e.blank(i + 1)
	for n := 0; e.text[at] != '}' && e.text[at] != ']'; n++ {
		start, child := at, k.items[n]
		if object {
			var name string
			name, at = e.name(at)
			child = k.names[name]
		}
		switch {
		case child == nil:
			end = e.skip(at)
		case child.by != nil && child.by.remove:
			end = e.cut(previous, start, at, !kept)
		default:
			end = e.value(at, child)
		}
		kept = kept || child == nil || child.by == nil || !child.by.remove
		previous = end
		if at = e.blank(end); e.text[at] == ',' {
			at = e.blank(at + 1)
		}
	}
	return at + 1
}
