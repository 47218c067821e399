package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// Bounds of a document that is not ours.
const (
	maxValues  = 1_000_000
	maxNesting = 200
)

var errTooMany = errors.New("nested too deeply, or too many values")

// document reads JSON, or YAML as JSON could have been written: its values are
// string, bool, nil, json.Number, []any and map[string]any.
func document(text []byte) (any, error) {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) == 0 {
		return nil, errors.New("is empty")
	}
	if trimmed[0] == '{' && json.Valid(text) {
		r := jsonReader{decoder: json.NewDecoder(bytes.NewReader(text)), left: maxValues}
		r.decoder.UseNumber()
		return r.value(0)
	}
	var root yaml.Node
	if err := yaml.Load(text, &root); err != nil {
		fault := syntaxFault(&Source{}, text, err)
		return nil, fmt.Errorf("line %d: %s", fault.Line, fault.Message)
	}
	r := yamlReader{left: maxValues}
	return r.value(&root, 0)
}

type jsonReader struct {
	decoder *json.Decoder
	left    int
}

func (r *jsonReader) value(depth int) (any, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	if r.left--; r.left < 0 || depth > maxNesting {
		return nil, errTooMany
	}
	switch token {
	case json.Delim('{'):
		return r.object(depth)
	case json.Delim('['):
		list := []any{}
		for r.decoder.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := r.decoder.Token()
		return list, err
	}
	return token, nil
}

func (r *jsonReader) object(depth int) (any, error) {
	object := map[string]any{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%q stands twice in an object", name)
		}
		if object[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.decoder.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return object, err
}

// yamlReader makes plain values of nodes. Aliases count as often as they stand.
type yamlReader struct{ left int }

func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if r.left--; r.left < 0 || depth > maxNesting {
		return nil, errTooMany
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.value(n.Content[0], depth)
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.MappingNode:
		object := map[string]any{}
		return object, r.mapping(n, object, depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return scalar(n)
}

func (r *yamlReader) mapping(n *yaml.Node, object map[string]any, depth int) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch _, twice := object[key.Value]; {
		case key.Tag == "!!merge":
			return fmt.Errorf("line %d: merge keys are not supported in definitions", key.Line)
		case key.Kind != yaml.ScalarNode:
			return fmt.Errorf("line %d: a key must be text", key.Line)
		case twice:
			return fmt.Errorf("line %d: key %q stands twice", key.Line, key.Value)
		}
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		object[key.Value] = v
	}
	return nil
}

// scalar is a value as YAML understands it; dates are text, as in JSON.
func scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return n.Value[0]|0x20 == 't', nil
	case "!!int", "!!float":
		return number(n)
	}
	return n.Value, nil
}

func number(n *yaml.Node) (any, error) {
	if json.Valid([]byte(n.Value)) {
		return json.Number(n.Value), nil
	}
	if whole, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(whole, 10)), nil
	}
	f, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("line %d: %q is not a number of JSON", n.Line, n.Value)
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
}
