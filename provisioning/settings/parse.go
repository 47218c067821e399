package settings

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"postern/provisioning/config"
)

// Parse reads the documents of one YAML file. Faults of syntax leave it without
// Nodes; others leave Nodes behind that can be judged further.
func Parse(src *Source, data []byte) ([]*Node, []Fault) {
	nodes, faults := parse(src, data, nil)
	settings := nodes[:0]
	for _, n := range nodes {
		switch n.Kind {
		case Mapping:
			settings = append(settings, lift(n))
		case Scalar, List:
			faults = append(faults, Fault{Place: n.Place(), Message: "must be a mapping of settings, is " + n.Kind.String()})
		}
	}
	if len(settings) == 0 && len(faults) == 0 {
		return nil, []Fault{{Place: Place{File: src.Name}, Message: "holds no settings"}}
	}
	return settings, faults
}

// parse reads the documents of one file, of whatever kind, that stand at a path.
func parse(src *Source, data []byte, at path) ([]*Node, []Fault) {
	var docs []yaml.Node
	if err := yaml.Load(data, &docs, yaml.WithAllDocuments()); err != nil {
		return nil, []Fault{syntaxFault(src, data, err)}
	}
	c := &converter{src: src, aliases: map[*yaml.Node]*Node{}, budget: maxNodes, at: at}
	var nodes []*Node
	for i := range docs {
		doc := &docs[i]
		if doc.Kind == yaml.DocumentNode {
			if len(doc.Content) == 0 {
				continue
			}
			doc = doc.Content[0]
		}
		if !isNull(doc) {
			nodes = append(nodes, c.convert(doc))
		}
	}
	src.nodes = maxNodes - c.budget
	return nodes, c.faults
}

// encoded is a vendor's secret without quotes: YAML reads a mapping and then
// does not know what follows it.
var encoded = regexp.MustCompile(`\{(encoded|sealed)\}`)

// syntaxFault puts the library's error into our form.
func syntaxFault(src *Source, data []byte, err error) Fault {
	fault := Fault{Place: Place{File: src.Name}, Message: "not YAML"}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return fault
	}
	fault.Line, fault.Column = le.Mark.Line, le.Mark.Column
	if fault.Line == 0 {
		fault.Place = badByte(src, data)
	}
	fault.Message = "not YAML: " + le.Message
	if le.ContextMark.Line > 0 && le.ContextMark.Line < fault.Line {
		fault.Message += fmt.Sprintf(" (in what begins at line %d)", le.ContextMark.Line)
	}
	fault.Message += hint(le.Message)
	if indentedByTab(lineOf(data, fault.Line)) {
		fault.Message = "not YAML: a tab at the beginning of the line: YAML is indented with spaces"
	}
	if strings.HasPrefix(le.Message, "unknown anchor") {
		fault.Message = "not YAML: unknown anchor: quote a value that begins with *" // it may be a secret
	}
	if line := lineOf(data, fault.Line); fault.Column-1 <= len(line) && fault.Column > 0 {
		if at := encoded.FindAllStringIndex(line[:fault.Column-1], -1); at != nil {
			fault.Column = at[len(at)-1][0] + 1
			fault.Message = "a value that begins with { is a mapping to YAML: quote it"
		}
	}
	return fault
}

// hint says what is probably meant, where the library's words say only what it
// looked for.
func hint(message string) string {
	switch message {
	case "did not find expected key":
		return "; is the line indented as those beside it?"
	case "mapping values are not allowed in this context":
		return "; is the line indented as those beside it, and has the one above its colon? A text with a colon is quoted"
	case "could not find expected ':'":
		return "; a key is followed by a colon and a space"
	}
	return ""
}

// indentedByTab reports whether a tab stands before a line's first word.
func indentedByTab(line string) bool {
	return strings.Contains(line[:len(line)-len(strings.TrimLeft(line, " \t"))], "\t")
}

// badByte finds the first byte that no YAML file may hold.
func badByte(src *Source, data []byte) Place {
	place := Place{src.Name, 1, 1}
	for _, r := range string(data) {
		switch {
		case r == '\n':
			place.Line, place.Column = place.Line+1, 1
		case r == '\uFFFD' || r < ' ' && r != '\t' && r != '\r' || r == 0x7f:
			return place
		default:
			place.Column++
		}
	}
	return place
}

func lineOf(data []byte, line int) string {
	for ; line > 1; line-- {
		_, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			return ""
		}
		data = rest
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return string(text)
}

// pathText writes p as faults show it.
func pathText(p path) string { return config.PathString(p) }

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0
}

// isCoreTag reports whether YAML itself gives tag to values.
func isCoreTag(tag string) bool {
	switch strings.TrimPrefix(tag, "tag:yaml.org,2002:") {
	case "", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!timestamp", "!!merge",
		"str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge":
		return true
	}
	return false
}
