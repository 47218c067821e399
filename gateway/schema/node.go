package schema

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"postern/provisioning/config"
)

// Node is a value in a document, and where it stands.
type Node struct {
	File    string // as Documents names it
	Pointer string // RFC 6901
	// Value is a string, bool, nil, json.Number, []any or map[string]any.
	Value any
}

// String is how faults name a place.
func (n Node) String() string {
	if n.Pointer == "" {
		return n.File
	}
	return n.File + "#" + n.Pointer
}

// Has reports whether n is an object with this member.
func (n Node) Has(name string) bool {
	object, _ := n.Value.(map[string]any)
	_, ok := object[name]
	return ok
}

// Member is a member of an object; its Value is nil when there is none.
func (n Node) Member(name string) Node {
	object, _ := n.Value.(map[string]any)
	return Node{n.File, n.Pointer + "/" + escape(name), object[name]}
}

// Item is an item of a list that has it.
func (n Node) Item(i int) Node {
	return Node{n.File, n.Pointer + "/" + strconv.Itoa(i), n.Value.([]any)[i]}
}

// Text is a value that is a string; else "".
func (n Node) Text() string {
	text, _ := n.Value.(string)
	return text
}

// escape writes a name as a token of a pointer.
func escape(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// Documents are the files of a definition by their path.
type Documents map[string]any

// maxReferences bounds how many references may lead to each other.
const maxReferences = 32

var errTooFar = errors.New("references lead to each other too often")

// Resolve follows n, if it is a reference, until something else is found.
func (d Documents) Resolve(n Node) (Node, error) {
	for range maxReferences {
		object, _ := n.Value.(map[string]any)
		ref, ok := object["$ref"].(string)
		if !ok {
			return n, nil
		}
		next, err := d.target(n, ref)
		if err != nil {
			return n, err
		}
		n = next
	}
	return n, errTooFar
}

// target is what a reference at n leads to.
func (d Documents) target(n Node, ref string) (Node, error) {
	file, fragment, _ := strings.Cut(ref, "#")
	to := Node{File: n.File}
	if file != "" {
		name, err := config.Beside(n.File, file)
		if err != nil {
			return to, err
		}
		to.File = name
	}
	value, ok := d[to.File]
	if !ok {
		return to, fmt.Errorf("%q leads to a file that could not be read", ref)
	}
	pointer, err := url.PathUnescape(fragment)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return to, fmt.Errorf("%q is no JSON pointer after #", ref)
	}
	to.Value = value
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		next, ok := to.step(token)
		if !ok {
			return to, fmt.Errorf("%q leads nowhere", ref)
		}
		to = next
	}
	return to, nil
}

func (n Node) step(token string) (Node, bool) {
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	switch v := n.Value.(type) {
	case map[string]any:
		return n.Member(name), n.Has(name)
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != name {
			return n, false
		}
		return n.Item(i), true
	}
	return n, false
}
