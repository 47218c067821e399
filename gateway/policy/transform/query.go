package transform

import (
	"bytes"
	"net/url"
	"slices"

	"postern/gateway/problem"
)

// changeQuery does all but removing. What is not named stays byte for byte.
func (c *changes) changeQuery(w *work) error {
	x := w.x
	for _, names := range c.rename {
		x.Query = editQuery(x.Query, names[0], func(dst, pair []byte) []byte {
			dst = append(dst, url.QueryEscape(names[1])...)
			if i := bytes.IndexByte(pair, '='); i >= 0 {
				dst = append(dst, pair[i:]...)
			}
			return dst
		})
	}
	for i := range c.set {
		s := &c.set[i]
		value, err := w.inHead(s.text, problem.URITooLong)
		if err != nil {
			return err
		}
		if x.Query = without(x.Query, s.name); len(value) > 0 {
			x.Query = withParameter(x.Query, s.name, value)
		}
	}
	for i := range c.add {
		s := &c.add[i]
		value, err := w.inHead(s.text, problem.URITooLong)
		if err != nil {
			return err
		}
		if len(value) > 0 {
			x.Query = withParameter(x.Query, s.name, value)
		}
	}
	return nil
}

// without is a query without the parameters of a name.
func without(query []byte, name string) []byte {
	return editQuery(query, name, func(dst, _ []byte) []byte { return dst })
}

// withParameter is a query with one more; value has its escapes.
func withParameter(query []byte, name string, value []byte) []byte {
	out := make([]byte, 0, len(query)+len("&")+3*len(name)+len("=")+len(value))
	if out = append(out, query...); len(out) > 0 {
		out = append(out, '&')
	}
	out = append(append(out, url.QueryEscape(name)...), '=')
	return append(out, value...)
}

// editQuery gives the parameters of a name, however it is escaped, the form that
// edit appends; without one they are left out. A query that had none of them is
// returned as it is; nil: none is left.
func editQuery(query []byte, name string, edit func(dst, pair []byte) []byte) []byte {
	if !slices.ContainsFunc(bytes.Split(query, []byte("&")), func(pair []byte) bool { return isNamed(pair, name) }) {
		return query
	}
	out, parts := make([]byte, 0, len(query)+3*len(name)), 0
	for pair := range bytes.SplitSeq(query, []byte("&")) {
		start := len(out)
		if parts > 0 {
			out = append(out, '&')
		}
		written := len(out)
		if !isNamed(pair, name) {
			out = append(out, pair...)
			parts++
		} else if out = edit(out, pair); len(out) == written {
			out = out[:start]
		} else {
			parts++
		}
	}
	if parts == 0 {
		return nil
	}
	return out
}

// isNamed reports whether some server reads a pair as a parameter of this name.
func isNamed(pair []byte, name string) bool {
	written, _, _ := bytes.Cut(pair, []byte("="))
	if string(written) == name {
		return true
	}
	if bytes.IndexByte(written, '%') < 0 && bytes.IndexByte(written, '+') < 0 {
		return false
	}
	plain, err := url.QueryUnescape(string(written))
	return err == nil && plain == name
}
