package message

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	errNoNodes = errors.New("finds no elements, attributes or texts, but a value of its own")
	errEmptied = fmt.Errorf("%w: nothing is left of the document", ErrMalformed)
)

// maskXML hides what XPaths find in text, which is the body's.
func (m *Message) maskXML(text []byte, list []*Masking) ([]byte, int, error) {
	e := xmlMasker{text: text}
	for _, k := range list {
		if k.xpath == nil {
			continue
		}
		root, err := m.xml()
		if err != nil {
			return nil, 0, err
		}
		err = k.xpath.visit(root, func(at *navigator, _ string) bool {
			if at == nil {
				e.err = fmt.Errorf("%w: expression %w", ErrMalformed, errNoNodes)
				return false
			}
			e.hide(at.place, k)
			return true
		})
		if err == nil {
			err = e.err
		}
		if err != nil {
			return nil, 0, err
		}
	}
	found := e.outermost()
	text, err := m.spliced(text, found)
	return text, len(found), err
}

// xmlMasker notes what is to be changed in one text.
type xmlMasker struct {
	text    []byte
	splices []splice
	err     error
}

// hide notes a place. The document itself stands for its element.
func (e *xmlMasker) hide(at place, k *Masking) {
	n := at.at
	if n.kind == documentNode {
		for n = n.first; n.kind != elementNode; n = n.next {
		}
	}
	with := k.with[AsXML]
	switch {
	case at.attribute >= 0:
		whole, value := e.attribute(n, at.attribute)
		if !k.remove {
			whole = value
		}
		e.put(whole, with)
	case n.kind == elementNode && k.remove:
		if n.parent.kind == documentNode {
			e.err = errEmptied
		}
		e.put(span{n.from, n.to}, "")
	case n.kind == elementNode && n.inner == n.to: // <a/>
		e.put(span{n.to - len("/>"), n.to}, ">"+with+"</"+n.qualified()+">")
	case n.kind == elementNode:
		e.put(span{n.inner, n.outer}, with)
	case n.kind == commentNode:
		e.put(span{n.from, n.to}, "") // a text could end it
	default:
		e.put(span{n.from, n.to}, with)
	}
}

// span is a part of a text.
type span struct{ from, to int }

func (e *xmlMasker) put(at span, with string) {
	e.splices = append(e.splices, splice{from: at.from, to: at.to, before: with})
}

// outermost is what there is to change, in order: what lies within something that
// goes as a whole goes with it.
func (e *xmlMasker) outermost() []splice {
	slices.SortStableFunc(e.splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to))
	})
	kept := e.splices[:0]
	for _, s := range e.splices {
		if len(kept) > 0 {
			if last := kept[len(kept)-1]; s.from < last.to || s.from == last.from && s.to == last.to {
				continue
			}
		}
		kept = append(kept, s)
	}
	return kept
}

// qualified is an element's name as it is written.
func (n *node) qualified() string {
	if n.prefix == "" {
		return n.name
	}
	return n.prefix + ":" + n.name
}

// attribute is where the one of that index stands in the tag of an element, with
// the white space before it, and where its value does.
func (e *xmlMasker) attribute(n *node, index int) (whole, value span) {
	const blank = " \t\r\n"
	tag := e.text[:n.inner]
	at := n.from + bytes.IndexAny(tag[n.from:], blank)
	for {
		whole.from = at
		equals := at + bytes.IndexByte(tag[at:], '=')
		name := strings.Trim(string(tag[at:equals]), blank)
		value.from = equals + bytes.IndexAny(tag[equals:], `"'`) + 1
		value.to = value.from + bytes.IndexByte(tag[value.from:], tag[value.from-1])
		whole.to = value.to + 1
		at = whole.to
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") && name != "xmlns:" {
			continue // declares a namespace
		}
		if index == 0 {
			return whole, value
		}
		index--
	}
}
