package message

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ohler55/ojg/jp"

	"postern/gateway/quote"
)

// Spot says where in a JSON text values stand, or shall stand: a JSONPath of names,
// indexes and [*]. It is immutable.
type Spot struct{ steps []spotStep }

// spotStep is a name, an index or all there are.
type spotStep struct {
	name  string
	index int
	kind  stepKind
}

type stepKind uint8

const (
	byName stepKind = iota
	byIndex
	byAll
)

// NewSpot compiles one. "$" alone is the whole text.
func NewSpot(text string) (*Spot, error) {
	if len(text) > maxExpression {
		return nil, errExpression
	}
	if !strings.HasPrefix(text, "$") {
		return nil, errors.New("a JSONPath begins with $")
	}
	path, err := jp.ParseString(text)
	if err != nil {
		return nil, fmt.Errorf("no JSONPath: %w", err)
	}
	return spotOf(path)
}

// spotOf is the spot of a path; the error is that it may lead anywhere.
func spotOf(path jp.Expr) (*Spot, error) {
	s := &Spot{}
	for i, part := range path {
		switch p := part.(type) {
		case jp.Root:
			if i > 0 {
				return nil, errSpot
			}
		case jp.Child:
			s.steps = append(s.steps, spotStep{name: string(p)})
		case jp.Nth:
			if p < 0 {
				return nil, errSpot
			}
			s.steps = append(s.steps, spotStep{index: int(p), kind: byIndex})
		case jp.Wildcard:
			s.steps = append(s.steps, spotStep{kind: byAll})
		default:
			return nil, errSpot
		}
	}
	return s, nil
}

var errSpot = errors.New("only names, indexes from 0 and [*] can say where something is to be changed")

// Whole reports whether the spot is the whole text.
func (s *Spot) Whole() bool { return len(s.steps) == 0 }

// Set returns text, which is a JSON value as Message.JSON accepts it, with value at
// the spot. A member that is missing is added, with the objects around it; an index
// that is missing, or a value that is no object in its way, leaves the text as it
// is. All else keeps its order and spelling. The error is ErrTooMuch where the
// result is longer than most.
func (s *Spot) Set(text, value []byte, most int64) ([]byte, error) {
	e := spotEditor{text: text, value: value, set: true}
	e.visit(e.blank(0), s.steps)
	return e.result(most)
}

// Remove returns text, as of Set, without what stands at the spot.
func (s *Spot) Remove(text []byte, most int64) ([]byte, error) {
	e := spotEditor{text: text}
	e.visit(e.blank(0), s.steps)
	return e.result(most)
}

// first is the first value at the spot, as it is written in a message.
func (s *Spot) first(m *Message) (value []byte, found bool, err error) {
	if _, err := m.JSON(); err != nil {
		return nil, false, err
	}
	text, err := m.Text()
	if err != nil {
		return nil, false, err
	}
	e := spotEditor{text: text, set: true}
	e.visit(e.blank(0), s.steps)
	for _, at := range e.splices {
		if at.from < at.to { // otherwise it would be added
			return text[at.from:at.to], true, nil
		}
	}
	return nil, false, nil
}

// spotEditor finds what is to be changed in one text, from its beginning to its end.
type spotEditor struct {
	text, value []byte
	set         bool
	splices     []splice
}

// splice puts before, the value and after in place of text[from:to].
type splice struct {
	from, to      int
	before, after string
}

func (e *spotEditor) result(most int64) ([]byte, error) {
	if len(e.splices) == 0 {
		return e.text, nil
	}
	size := int64(len(e.text))
	for _, s := range e.splices {
		if size += int64(s.from - s.to + len(s.before) + len(s.after)); e.set {
			size += int64(len(e.value))
		}
	}
	if size > most {
		return nil, fmt.Errorf("%w: what comes of a change is longer than limits.buffered_body", ErrTooMuch)
	}
	out, at := make([]byte, 0, size), 0
	for _, s := range e.splices {
		out = append(append(out, e.text[at:s.from]...), s.before...)
		if e.set {
			out = append(out, e.value...)
		}
		out = append(out, s.after...)
		at = s.to
	}
	return append(out, e.text[at:]...), nil
}

// visit follows steps from the value at i, and returns where that ends.
func (e *spotEditor) visit(i int, steps []spotStep) (end int) {
	if len(steps) == 0 {
		end = e.skip(i)
		e.splices = append(e.splices, splice{from: i, to: end})
		return end
	}
	switch step := steps[0]; {
	case e.text[i] == '{' && step.kind != byIndex, e.text[i] == '[' && step.kind != byName:
		return e.container(i, steps)
	}
	return e.skip(i)
}

// container follows steps into an object or a list.
func (e *spotEditor) container(i int, steps []spotStep) (end int) {
	step, object := steps[0], e.text[i] == '{'
	last := len(steps) == 1
	if last && step.kind == byAll && !e.set {
		end = e.skip(i)
		e.splices = append(e.splices, splice{from: i + 1, to: end - 1})
		return end
	}
	found, previous := false, i+1 // where the item before ended
	for n, at := 0, e.blank(i+1); e.text[at] != '}' && e.text[at] != ']'; n++ {
		start, name := at, ""
		if object {
			name, at = e.name(at)
		}
		fits := step.kind == byAll || step.kind == byIndex && step.index == n || step.kind == byName && step.name == name
		found = found || fits
		switch {
		case !fits:
			end = e.skip(at)
		case last && !e.set:
			end = e.cut(previous, start, at, n == 0)
		default:
			end = e.visit(at, steps[1:])
		}
		previous = end
		if at = e.blank(end); e.text[at] == ',' {
			at = e.blank(at + 1)
		}
		end = at
	}
	end = e.blank(previous)
	if e.set && !found && step.kind == byName {
		e.add(previous, steps, previous == i+1)
	}
	return end + 1
}

// cut removes an item that starts at start, whose value is at value, with one of
// the commas around it.
func (e *spotEditor) cut(previous, start, value int, first bool) (end int) {
	end = e.skip(value)
	from, to := previous, end
	if comma := e.blank(end); first {
		from = start
		if e.text[comma] == ',' {
			to = e.blank(comma + 1)
		}
	}
	e.splices = append(e.splices, splice{from: from, to: to})
	return end
}

// add makes a member at the end of an object, and the objects inside it that the
// further steps name.
func (e *spotEditor) add(at int, steps []spotStep, empty bool) {
	var before, after strings.Builder
	if !empty {
		before.WriteByte(',')
	}
	for i, step := range steps {
		if step.kind != byName {
			return // nobody knows how many there should be
		}
		if i > 0 {
			before.WriteByte('{')
			after.WriteByte('}')
		}
		before.Write(append(quote.Append(nil, step.name), ':'))
	}
	e.splices = append(e.splices, splice{from: at, to: at, before: before.String(), after: after.String()})
}

// blank is where white space that begins at i ends.
func (e *spotEditor) blank(i int) int {
	for i < len(e.text) && (e.text[i] == ' ' || e.text[i] == '\t' || e.text[i] == '\n' || e.text[i] == '\r') {
		i++
	}
	return i
}

// name reads a member's name, and returns where its value begins.
func (e *spotEditor) name(i int) (name string, value int) {
	end := e.skip(i)
	if quoted := e.text[i:end]; strings.IndexByte(string(quoted), '\\') >= 0 {
		_ = json.Unmarshal(quoted, &name) // it has been read before
	} else {
		name = string(quoted[1 : len(quoted)-1])
	}
	return name, e.blank(e.blank(end) + 1)
}

// skip is where the value at i ends.
func (e *spotEditor) skip(i int) int {
	depth := 0
	for {
		switch e.text[i] {
		case '"':
			for i++; e.text[i] != '"'; i++ {
				if e.text[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
			continue
		default:
			for i < len(e.text) && strings.IndexByte(" \t\r\n,:]}", e.text[i]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}
