package variable

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"postern/provisioning/config"
)

// scanner knows where in a JSON or XML text the parser stands.
type scanner struct {
	within  within
	escaped bool // JSON: the next character belongs to a backslash
}

// within is what a place of a text lies in; zero: the document itself.
type within uint8

const (
	document within = iota
	quoted          // JSON's string, or a value in XML's double quotes
	single          // a value in XML's single quotes
	tag
	comment
	cdata
	instruction
	declaration
)

// String is how a fault calls it.
func (w within) String() string {
	return [...]string{"the document", "a string", "a value", "a tag", "a comment", "CDATA", "an instruction", "a declaration"}[w]
}

// feed moves on over a piece of text.
func (s *scanner) feed(kind Kind, text string) {
	switch kind {
	case JSON:
		s.json(text)
	case XML:
		for text != "" {
			text = s.xml(text)
		}
	}
}

func (s *scanner) json(text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case s.escaped:
			s.escaped = false
		case c == '\\' && s.within == quoted:
			s.escaped = true
		case c == '"' && s.within == quoted:
			s.within = document
		case c == '"':
			s.within = quoted
		}
	}
}

// xmlEnds is what ends each place, and where that leads.
var xmlEnds = [...]struct {
	mark string
	next within
}{
	quoted:      {`"`, tag},
	single:      {`'`, tag},
	comment:     {"-->", document},
	cdata:       {"]]>", document},
	instruction: {"?>", document},
	declaration: {">", document},
}

// xmlBegins is what begins a place in a document; the first that fits counts.
var xmlBegins = [...]struct {
	mark string
	next within
}{
	{"<!--", comment},
	{"<![CDATA[", cdata},
	{"<?", instruction},
	{"<!", declaration},
	{"<", tag},
}

// xml moves to the next place, and returns what is left of the text. A mark that
// is not whole leads into a tag, where no variable may stand.
func (s *scanner) xml(text string) string {
	switch s.within {
	case document:
		i := strings.IndexByte(text, '<')
		if i < 0 {
			return ""
		}
		for _, begin := range xmlBegins {
			if rest, ok := strings.CutPrefix(text[i:], begin.mark); ok {
				s.within = begin.next
				return rest
			}
		}
	case tag:
		i := strings.IndexAny(text, `"'>`)
		if i < 0 {
			return ""
		}
		s.within = map[byte]within{'"': quoted, '\'': single, '>': document}[text[i]]
		return text[i+1:]
	}
	end := xmlEnds[s.within]
	_, rest, ok := strings.Cut(text, end.mark)
	if ok {
		s.within = end.next
	}
	return rest
}

// admit says whether a variable may stand here, and whether it needs quotes.
func (s *scanner) admit(kind Kind, written string) (quotes bool, err error) {
	switch {
	case kind == Fixed:
		return false, fmt.Errorf("%s cannot be escaped in a text of this type: json, xml and text can hold variables", written)
	case kind == JSON && s.escaped:
		return false, fmt.Errorf("%s follows a backslash", written)
	case kind == XML && s.within >= tag:
		return false, fmt.Errorf("%s cannot stand in %s", written, s.within)
	}
	return kind == JSON && s.within == document, nil
}

// wellFormed tries the text with something in place of its variables: who gets
// it must be able to read it.
func (p *parser) wellFormed() {
	var err error
	switch p.place.Kind {
	case JSON:
		var any json.RawMessage
		err = json.Unmarshal([]byte(p.sample.String()), &any)
	case XML:
		err = readXML(p.sample.String())
	}
	if err != nil {
		name := map[Kind]string{JSON: "JSON", XML: "XML"}[p.place.Kind]
		p.faults = append(p.faults, config.Fault{Message: fmt.Sprintf("is not %s: %v", name, err)})
	}
}

func readXML(text string) error {
	decoder := xml.NewDecoder(strings.NewReader(text))
	elements, depth := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth == 0 {
				elements++
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if elements != 1 {
		return errors.New("it must be one element")
	}
	return nil
}
