package message

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// xmlDocument is a body's XML, read when it is first asked for.
type xmlDocument struct {
	root  *node
	err   error
	known bool
}

// node is a node of an XML document: the document itself, an element, a text or a
// comment.
type node struct {
	kind                nodeKind
	name, prefix, space string // of an element
	text                []byte // of a text or a comment
	attributes          []attribute
	parent, first, last *node
	previous, next      *node
	// Where it stands in the text, and where what is inside an element does, which
	// begins where <a/> ends.
	from, to, inner, outer int
}

type nodeKind uint8

const (
	documentNode nodeKind = iota
	elementNode
	textNode
	commentNode
)

type attribute struct{ name, prefix, space, value string }

// xml is the body's document. The error is ErrMalformed, ErrTooMuch or a
// *problem.Problem.
func (m *Message) xml() (*node, error) {
	if d := &m.doc; !d.known {
		d.known = true
		text, err := m.Text()
		if err == nil {
			err = m.reserve(xmlCost(text))
		}
		if err == nil {
			d.root, err = parseXML(text)
		}
		d.err = err
	}
	return m.doc.root, m.doc.err
}

// parseXML reads a document of XML 1.0 with namespaces. Document types, and so
// entities of their own, are refused.
func parseXML(text []byte) (*node, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrMalformed)
	}
	r := xmlReader{decoder: xml.NewDecoder(bytes.NewReader(text)), left: maxNodes, at: new(node)}
	r.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	root := r.at
	for {
		r.from = int(r.decoder.InputOffset())
		token, err := r.decoder.RawToken()
		r.to = int(r.decoder.InputOffset())
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: not XML", ErrMalformed)
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
	if r.at != root || !r.rooted {
		return nil, fmt.Errorf("%w: not one whole element", ErrMalformed)
	}
	return root, nil
}

// xmlReader builds a document.
type xmlReader struct {
	decoder  *xml.Decoder
	at       *node    // the element that is open
	scopes   []string // prefix, URI, prefix, URI … that hold here
	marks    []int    // length of scopes before each open element
	rooted   bool
	left     int
	from, to int // of the token that is taken
}

var errDoctype = errors.New("document types are not accepted")

func (r *xmlReader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(t)
	case xml.CharData:
		if r.at.kind == documentNode {
			if len(bytes.TrimSpace(t)) > 0 {
				return fmt.Errorf("%w: text outside of the element", ErrMalformed)
			}
			return nil
		}
		return r.append(&node{kind: textNode, text: bytes.Clone(t)})
	case xml.Comment:
		return r.append(&node{kind: commentNode, text: bytes.Clone(t)})
	case xml.Directive:
		return fmt.Errorf("%w: %w", ErrMalformed, errDoctype)
	}
	return nil // processing instructions say nothing here
}

func (r *xmlReader) append(n *node) error {
	if r.left--; r.left < 0 || len(r.marks) > maxDepth {
		return fmt.Errorf("%w: more than %d nodes, or more than %d in each other", ErrTooMuch, maxNodes, maxDepth)
	}
	if last := r.at.last; last != nil && last.kind == textNode && n.kind == textNode {
		last.text = append(last.text, n.text...) // one text around CDATA
		last.to = r.to
		return nil
	}
	n.parent, n.previous, n.from, n.to = r.at, r.at.last, r.from, r.to
	if r.at.first == nil {
		r.at.first = n
	} else {
		r.at.last.next = n
	}
	r.at.last = n
	return nil
}

func (r *xmlReader) start(t xml.StartElement) error {
	if r.at.kind == documentNode && r.rooted {
		return fmt.Errorf("%w: a second element", ErrMalformed)
	}
	r.rooted = true
	r.marks = append(r.marks, len(r.scopes))
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns":
			r.scopes = append(r.scopes, a.Name.Local, a.Value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			r.scopes = append(r.scopes, "", a.Value)
		}
	}
	if len(r.scopes) > 2*maxAttributes {
		return fmt.Errorf("%w: more than %d namespaces", ErrTooMuch, maxAttributes)
	}
	n := &node{kind: elementNode, name: t.Name.Local, prefix: t.Name.Space}
	var ok bool
	if n.space, ok = r.space(n.prefix); !ok {
		return fmt.Errorf("%w: a prefix is not declared", ErrMalformed)
	}
	for _, a := range t.Attr {
		if err := r.attribute(n, a); err != nil {
			return err
		}
	}
	err := r.append(n)
	n.inner, r.at = n.to, n
	return err
}

// attribute adds one, unless it declares a namespace.
func (r *xmlReader) attribute(n *node, a xml.Attr) error {
	if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
		return nil
	}
	made := attribute{name: a.Name.Local, prefix: a.Name.Space, value: a.Value}
	if made.prefix != "" { // one without is in no namespace
		var ok bool
		if made.space, ok = r.space(made.prefix); !ok {
			return fmt.Errorf("%w: a prefix is not declared", ErrMalformed)
		}
	}
	for i := range n.attributes {
		if n.attributes[i].name == made.name && n.attributes[i].space == made.space {
			return fmt.Errorf("%w: an element has an attribute twice", ErrMalformed)
		}
	}
	if r.left--; r.left < 0 || len(n.attributes) == maxAttributes {
		return fmt.Errorf("%w: more than %d attributes, or more than %d nodes", ErrTooMuch, maxAttributes, maxNodes)
	}
	n.attributes = append(n.attributes, made)
	return nil
}

// maxAttributes bounds those of one element, which are compared with each other,
// and the namespaces that hold at one place.
const maxAttributes = 256

// space is the namespace that a prefix stands for; "" without a prefix may be none.
func (r *xmlReader) space(prefix string) (uri string, ok bool) {
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace", true
	}
	for i := len(r.scopes) - 2; i >= 0; i -= 2 {
		if r.scopes[i] == prefix {
			return r.scopes[i+1], prefix == "" || r.scopes[i+1] != ""
		}
	}
	return "", prefix == ""
}

func (r *xmlReader) end(t xml.EndElement) error {
	if r.at.kind != elementNode || r.at.name != t.Name.Local || r.at.prefix != t.Name.Space {
		return fmt.Errorf("%w: an element is not closed", ErrMalformed)
	}
	last := len(r.marks) - 1
	r.scopes, r.marks = r.scopes[:r.marks[last]], r.marks[:last]
	r.at.outer, r.at.to = r.from, r.to
	r.at = r.at.parent
	return nil
}
