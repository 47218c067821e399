package message

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ohler55/ojg/jp"

	"postern/gateway/quote"
	"postern/provisioning/config"
)

// Form is what a text is looked into as.
type Form uint8

// The forms of texts.
const (
	AsText Form = iota
	AsJSON
	AsXML
)

// Masking hides what an expression finds: something else stands for it, or it is
// removed. It is compiled once, at load, and safe for concurrent use.
type Masking struct {
	path    jp.Expr // in JSON
	filter  filter
	xpath   *xpaths // in XML
	pattern *regexp.Regexp
	size    int // of the pattern's program
	with    [3]string
	remove  bool
}

// NewMasking compiles a rule. The error is config.Faults with paths relative to
// cfg.
func NewMasking(cfg *config.MaskRule) (*Masking, error) {
	m := &Masking{remove: cfg.Action == "filter"}
	var err error
	key := "json_path"
	switch {
	case cfg.JSONPath != "":
		err = m.inJSON(written(cfg.JSONPath, "jsonPath"))
	case cfg.XPath != "":
		key = "xpath"
		err = m.inXML(written(cfg.XPath, "xpath"), cfg.Namespaces)
	default:
		key = "regex"
		err = m.inText(written(cfg.Regex, "regex"))
	}
	if err != nil {
		return nil, config.Below(err, key)
	}
	if !m.remove {
		m.setText(cfg.With)
	}
	return m, nil
}

// written is an expression without ${request.payload…} around it: jsonPath[…] and
// the like, or the names of members.
func written(text, kind string) string {
	inside, ok := strings.CutPrefix(text, "${request.payload")
	if !ok {
		inside, ok = strings.CutPrefix(text, "${response.payload")
	}
	if inside, closed := strings.CutSuffix(inside, "}"); ok && closed {
		if found, ok := strings.CutPrefix(inside, "."+kind+"["); ok && strings.HasSuffix(found, "]") {
			return found[:len(found)-1]
		}
		if kind == "jsonPath" {
			return "$" + inside
		}
	}
	return text
}

// setText says what stands for a value: in JSON it is a string, a match of a
// pattern a part of one.
func (m *Masking) setText(with string) {
	text := string(quote.Append(nil, with))
	if m.pattern != nil {
		text = text[1 : len(text)-1]
	}
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(with)) // into memory
	m.with = [3]string{AsText: with, AsJSON: text, AsXML: escaped.String()}
}

var errRoot = errors.New("a body cannot be without a value")

func (m *Masking) inJSON(text string) (err error) {
	m.path, m.filter, err = parsePath(text)
	if err == nil && m.remove && len(m.path) == 1 {
		err = errRoot
	}
	return err
}

func (m *Masking) inXML(text string, namespaces []config.Namespace) (err error) {
	if m.xpath, err = newXPaths(text, prefixes(namespaces)); err != nil {
		return err
	}
	empty, err := parseXML([]byte("<a/>"))
	if err != nil {
		return err
	}
	_ = m.xpath.visit(empty, func(at *navigator, _ string) bool { // its errors are the empty document's
		if at == nil {
			err = errNoNodes
		}
		return false
	})
	return err
}

func (m *Masking) inText(text string) (err error) {
	if m.pattern, m.size, err = parsePattern(text); err == nil && m.pattern.MatchString("") {
		err = errors.New("matches an empty text, so it would be everywhere")
	}
	return err
}

// LooksInto reports whether the masking is for texts of a form; those with a
// pattern are for AsText, and so for all.
func (m *Masking) LooksInto(as Form) bool {
	switch as {
	case AsJSON:
		return m.path != nil
	case AsXML:
		return m.xpath != nil
	}
	return m.pattern != nil
}

// Mask is the body's text with what maskings find in it hidden, and how many
// values that was; paths are those in the text as it is, patterns see what paths
// have left. What is not hidden stays byte for byte. The error is ErrMalformed,
// ErrTooMuch or a *problem.Problem.
func (m *Message) Mask(list []*Masking, as Form) (text []byte, values int, err error) {
	if text, err = m.Text(); err != nil {
		return nil, 0, err
	}
	switch as {
	case AsJSON:
		text, values, err = m.maskJSON(text, list)
	case AsXML:
		text, values, err = m.maskXML(text, list)
	}
	if err != nil {
		return nil, 0, err
	}
	matches := 0
	for _, k := range list {
		if k.pattern == nil {
			continue
		}
		if err = m.oneReading(k, as); err != nil {
			return nil, 0, err
		}
		n := 0
		if text, n, err = m.maskMatches(text, k, as); err != nil {
			return nil, 0, err
		}
		matches += n
	}
	if matches > 0 {
		err = m.stillIs(text, as)
	}
	return text, values + matches, err
}

// maxMasked is how many matches of one pattern are masked.
const maxMasked = 10_000

// matches are all of a pattern.
func (k *Masking) matches(text []byte) ([][]int, error) {
	found, err := search(maxMasked+1, func(n int) [][]int { return k.pattern.FindAllIndex(text, n) })
	if len(found) > maxMasked {
		return nil, fmt.Errorf("%w: more than %d matches", ErrTooMuch, maxMasked)
	}
	return found, err
}

func (m *Message) maskMatches(text []byte, k *Masking, as Form) ([]byte, int, error) {
	if len(text)*k.size > maxSteps {
		return nil, 0, fmt.Errorf("%w: %d bytes for such an expression", ErrTooMuch, len(text))
	}
	found, err := k.matches(text)
	if err != nil {
		return nil, 0, err
	}
	var list []splice
	for _, at := range found {
		if at[0] < at[1] {
			list = append(list, splice{from: at[0], to: at[1], before: k.with[as]})
		}
	}
	text, err = m.spliced(text, list)
	return text, len(list), err
}

// spliced is text with these changes, which are in order and do not overlap.
func (m *Message) spliced(text []byte, list []splice) ([]byte, error) {
	if len(list) == 0 {
		return text, nil
	}
	e := spotEditor{text: text, splices: list}
	text, err := e.result(m.bodies.limit)
	if err != nil {
		return nil, err
	}
	return text, m.reserve(int64(cap(text)))
}

// stillIs makes sure that matches did not take the form of a text along.
func (m *Message) stillIs(text []byte, as Form) (err error) {
	if as == AsText {
		return nil
	}
	cost, read := jsonCost(text), func() error { _, err := ParseJSON(text); return err }
	if as == AsXML {
		cost, read = xmlCost(text), func() error { _, err := parseXML(text); return err }
	}
	if err = m.reserve(cost); err != nil {
		return err
	}
	if err = read(); err != nil {
		return fmt.Errorf("%w, once a regex has masked it", err)
	}
	return nil
}
