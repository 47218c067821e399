package archive

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// mapping is one of YAML, in the order in which it is written.
type mapping []entry

// entry is a key with its value: a text, a number, a truth value, a list, or a
// mapping.
type entry struct {
	key     string
	value   any
	comment string // stands above
}

// set adds a key, unless there is nothing to say.
func (m *mapping) set(key string, value any) {
	switch own := value.(type) {
	case nil:
		return
	case string:
		if own == "" {
			return
		}
	case []string:
		if len(own) == 0 {
			return
		}
	case []any:
		if len(own) == 0 {
			return
		}
	case mapping:
		if len(own) == 0 {
			return
		}
	case bool:
		if !own {
			return
		}
	}
	*m = append(*m, entry{key: key, value: value})
}

// has reports whether a key is there.
func (m *mapping) has(key string) bool {
	for _, e := range *m {
		if e.key == key {
			return true
		}
	}
	return false
}

// replace is set for a key that may be there: the later value stands.
func (m *mapping) replace(key string, value any) {
	for i := range *m {
		if (*m)[i].key == key {
			(*m)[i].value = value
			return
		}
	}
	m.set(key, value)
}

// commented is a list's item with what stands above it.
type commented struct {
	comment string
	value   any
}

// write is the text of a document.
func write(m mapping) ([]byte, error) {
	root, err := node(m)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(root)
}

func node(value any) (*yaml.Node, error) {
	switch own := value.(type) {
	case mapping:
		return mappingNode(own)
	case commented:
		n, err := node(own.value)
		if err == nil {
			n.HeadComment = comment(own.comment)
		}
		return n, err
	case []string:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, item := range own {
			n.Content = append(n.Content, scalar(item))
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range own {
			child, err := node(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		return n, nil
	case string:
		return scalar(own), nil
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(own)}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(own)}, nil
	}
	return nil, fmt.Errorf("cannot write a %T", value)
}

// scalar is a text that is read as one.
func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func mappingNode(m mapping) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range m {
		key, err := scalar(e.key), error(nil)
		key.HeadComment = comment(e.comment)
		value, err := node(e.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.key, err)
		}
		n.Content = append(n.Content, key, value)
	}
	return n, nil
}

// comment is a text as one: each of its lines behind a mark.
func comment(text string) string {
	if text == "" {
		return ""
	}
	return "# " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n# ")
}
