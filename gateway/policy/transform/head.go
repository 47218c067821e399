package transform

import (
	"bytes"

	"postern/gateway/problem"
	"postern/gateway/variable"
	"postern/gateway/wire"
)

// changes are those of one step to the fields of a head, or to a query.
type changes struct {
	rename   [][2]string // from, to
	set, add []setting
	remove   []string
}

// setting is a text for a name. One that becomes empty says that there is nothing
// of that name.
type setting struct {
	name string
	text *variable.Template
}

// change does all but removing.
func (c *changes) change(w *work, head *wire.Head, tooLong *problem.Problem) error {
	for _, names := range c.rename {
		head.Rename(names[0], names[1])
	}
	for i := range c.set {
		s := &c.set[i]
		value, err := w.inHead(s.text, tooLong)
		if err != nil {
			return err
		}
		if value = bytes.Trim(value, " \t"); len(value) == 0 {
			head.Del(s.name)
		} else {
			head.SetBytes(s.name, value)
		}
	}
	for i := range c.add {
		s := &c.add[i]
		value, err := w.inHead(s.text, tooLong)
		if err != nil {
			return err
		}
		if value = bytes.Trim(value, " \t"); len(value) > 0 {
			head.AddBytes(s.name, value)
		}
	}
	return nil
}

func (c *changes) drop(head *wire.Head) {
	for _, name := range c.remove {
		head.Del(name)
	}
}
