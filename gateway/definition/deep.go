package definition

import (
	"strconv"
	"strings"

	"postern/gateway/schema"
)

// maxSteps is how many brackets a name may have.
const maxSteps = 8

// fromDeep makes a value of name[member]=text. OpenAPI leaves open how what is
// within a member is written; it is taken as it is in forms: name[a][b]=text, and
// name[]=text or name[0]=text of a list, whose items stand in their order.
func (p *Parameter) fromDeep(c *schema.Check, pairs []pair) taken {
	var value any
	for i := range pairs {
		rest, mine := strings.CutPrefix(pairs[i].name, p.name)
		if !mine || rest != "" && rest[0] != '[' || rest == "" && !p.shape.isList() {
			continue
		}
		pairs[i].used = true
		steps, ok := brackets(rest)
		text, fault := pairs[i].text(pairs[i].raw)
		if !ok {
			fault = isMalformed
		}
		if fault == "" {
			value, fault = put(c, value, p.shape, branch{steps, text})
		}
		if fault != "" {
			return taken{fault: fault}
		}
	}
	return taken{value: value, there: value != nil}
}

// brackets takes "[a][b]" apart.
func brackets(rest string) (steps []string, ok bool) {
	for rest != "" {
		step, after, closed := strings.Cut(rest[1:], "]")
		if rest[0] != '[' || !closed || strings.Contains(step, "[") || len(steps) == maxSteps {
			return nil, false
		}
		steps, rest = append(steps, step), after
	}
	return steps, true
}

// branch is a text and the steps that lead to it.
type branch struct {
	steps []string
	text  string
}

// put adds a branch to a value; nil is none yet.
func put(c *schema.Check, into any, s *shape, b branch) (value any, fault string) {
	switch {
	case s.isList():
		return putItem(c, into, s, b)
	case len(b.steps) > 0:
		return putMember(c, into, s, b)
	case into != nil:
		return nil, isTwice
	}
	return s.scalar(c, b.text), ""
}

// putItem adds to a list: at its end, or to the item of a number.
func putItem(c *schema.Check, into any, s *shape, b branch) (value any, fault string) {
	list, _ := into.([]any)
	at, rest := len(list), b
	if len(b.steps) > 0 {
		rest.steps = b.steps[1:]
		if step := b.steps[0]; step != "" {
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n > len(list) {
				return nil, isMalformed
			}
			at = n
		}
	}
	if at == len(list) {
		list = append(list, nil)
	}
	list[at], fault = put(c, list[at], s.item(), rest)
	return list, fault
}

func putMember(c *schema.Check, into any, s *shape, b branch) (value any, fault string) {
	object, ok := into.(map[string]any)
	if into != nil && !ok || b.steps[0] == "" {
		return nil, isMalformed
	}
	if object == nil {
		object = map[string]any{}
	}
	name := b.steps[0]
	object[name], fault = put(c, object[name], s.member(name), branch{b.steps[1:], b.text})
	return object, fault
}
