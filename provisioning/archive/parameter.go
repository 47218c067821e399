package archive

import (
	"encoding/json"
	"strconv"
	"strings"
)

// parameter is a node of the tree that a policy action is made of: it has values,
// or parameters of its own.
type parameter struct {
	Key        string      `json:"templateKey"`
	Values     []any       `json:"values"`
	Parameters []parameter `json:"parameters"`
}

// of are the nodes of a name, in their order.
func (p *parameter) of(key string) (found []*parameter) {
	for i := range p.Parameters {
		if p.Parameters[i].Key == key {
			found = append(found, &p.Parameters[i])
		}
	}
	return found
}

// first is the first node of a name; of none an empty one.
func (p *parameter) first(key string) *parameter {
	if found := p.of(key); len(found) > 0 {
		return found[0]
	}
	return &parameter{Key: key}
}

// text is the value of the first node of a name, or "".
func (p *parameter) text(key string) string {
	if texts := p.texts(key); len(texts) > 0 {
		return texts[0]
	}
	return ""
}

// texts are the values of all nodes of a name.
func (p *parameter) texts(key string) (all []string) {
	for _, node := range p.of(key) {
		for _, value := range node.Values {
			all = append(all, asText(value))
		}
	}
	return all
}

// asText is a value, which some versions write as text and others as what it is.
func asText(value any) string {
	switch own := value.(type) {
	case string:
		return own
	case bool:
		return strconv.FormatBool(own)
	case float64:
		return strconv.FormatFloat(own, 'f', -1, 64)
	case nil:
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// truth is a value that is true; what is not stated is otherwise.
func (p *parameter) truth(key string, otherwise bool) bool {
	text := p.text(key)
	if text == "" {
		return otherwise
	}
	return strings.EqualFold(text, "true")
}

// beyond are the names of nodes that are none of those that are known.
func (p *parameter) beyond(known ...string) (names []string) {
	for i := range p.Parameters {
		if name := p.Parameters[i].Key; !contains(known, name) && !contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func contains(list []string, text string) bool {
	for _, item := range list {
		if item == text {
			return true
		}
	}
	return false
}
