package transform

import (
	"bytes"
	"fmt"
	"strings"

	"postern/gateway/message"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// when describes exchanges; the zero when is all of them.
type when struct{ all, any []condition }

// condition compares a text.
type condition struct {
	text    *variable.Template
	pattern *message.Pattern // nil: fits compares
	fits    func(value []byte) bool
}

func (c *when) holds(w *work) (bool, error) {
	for i := range c.all {
		if fits, err := c.all[i].holds(w); err != nil || !fits {
			return false, err
		}
	}
	for i := range c.any {
		if fits, err := c.any[i].holds(w); err != nil || fits {
			return fits, err
		}
	}
	return len(c.any) == 0, nil
}

func (c *condition) holds(w *work) (bool, error) {
	value, fits, err := w.write(w.buffer[:0], c.text, mostCompared)
	w.buffer = value
	switch {
	case err != nil:
		return false, err
	case !fits:
		return false, w.tooLong()
	case c.pattern == nil:
		return c.fits(value), nil
	}
	if fits, err = c.pattern.Match(value); err != nil {
		return false, w.tooMuch(err)
	}
	return fits, nil
}

// mostCompared bounds what a condition looks at.
const mostCompared = 1 << 20

func (b *builder) when(cfg *config.TransformWhen, path ...any) (c when) {
	if cfg == nil {
		return c
	}
	for i := range cfg.All {
		c.all = append(c.all, b.condition(&cfg.All[i], below(path, "when", "all", i)))
	}
	for i := range cfg.Any {
		c.any = append(c.any, b.condition(&cfg.Any[i], below(path, "when", "any", i)))
	}
	return c
}

func (b *builder) condition(cfg *config.Condition, path []any) condition {
	inside := b.answers // what is compared is not shown
	b.answers = false
	text := b.textFor(cfg.Variable, variable.Place{Kind: variable.Raw, NoAnswer: !inside}, below(path, "variable"))
	b.answers = inside
	if isBare(cfg.Variable) {
		b.failed(fmt.Errorf("is a text that is always the same; the variable is ${%s}", cfg.Variable), below(path, "variable"))
	}
	if inside && text != nil {
		b.recalls = b.recalls || text.ReadsRequest()
	}
	if cfg.Matches == "" {
		return condition{text: text, fits: comparison(cfg)}
	}
	pattern, err := message.NewPattern(cfg.Matches)
	if err != nil {
		b.failed(err, below(path, "matches"))
	}
	return condition{text: text, pattern: pattern}
}

// isBare reports whether a text is the name of a variable that lacks ${ and }.
func isBare(text string) bool {
	if strings.Contains(text, "$") {
		return false
	}
	_, err := variable.Parse("${"+text+"}", variable.Place{Inside: true, RequestBody: true})
	return err == nil
}

// comparison is the one that a condition states, but for a pattern.
func comparison(c *config.Condition) func(value []byte) bool {
	same := func(text *string) func([]byte) bool {
		want := []byte(*text)
		return func(value []byte) bool { return bytes.Equal(value, want) }
	}
	alike := func(text *string) func([]byte) bool {
		want := []byte(*text)
		return func(value []byte) bool { return bytes.EqualFold(value, want) }
	}
	switch {
	case c.Equals != nil:
		return same(c.Equals)
	case c.EqualsIgnoreCase != nil:
		return alike(c.EqualsIgnoreCase)
	case c.NotEquals != nil:
		return not(same(c.NotEquals))
	case c.NotEqualsIgnoreCase != nil:
		return not(alike(c.NotEqualsIgnoreCase))
	case c.Contains != "":
		part := []byte(c.Contains)
		return func(value []byte) bool { return bytes.Contains(value, part) }
	}
	exists := *c.Exists
	return func(value []byte) bool { return len(value) > 0 == exists }
}

func not(fits func([]byte) bool) func([]byte) bool {
	return func(value []byte) bool { return !fits(value) }
}
