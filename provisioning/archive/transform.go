package archive

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// step is one step of a transformation under way.
type step struct {
	*translation
	at     string
	answer bool
	made   mapping
	sets   map[string]*mapping // by the keys of our grammar
	drops  map[string][]string
	text   string // of a body that replaces another
}

// transformFor translates the transformation of requests or answers.
func transformFor(answer bool) translator {
	root := "requestTransformationConfiguration"
	if answer {
		root = "responseTransformationConfiguration"
	}
	return func(t *translation, at string, a *parameter) {
		s := &step{translation: t, at: at, answer: answer, sets: map[string]*mapping{}, drops: map[string][]string{}}
		s.conditions(a)
		config := a.first(root)
		for i := range config.Parameters {
			s.change(&config.Parameters[i])
		}
		s.finish()
		t.ignored(at, a, "transformationConditions", root)
	}
}

// operators are what comparisons are called here.
var operators = map[string]string{
	"equals": "equals", "equalsIgnoreCase": "equals_ignore_case", "notEquals": "not_equals", "notEqualsIgnoreCase": "not_equals_ignore_case",
	"contains": "contains", "matches": "matches",
}

func (s *step) conditions(a *parameter) {
	var list []any
	root := a.first("transformationConditions")
	for _, c := range root.of("transformationCondition") {
		condition := mapping{{key: "variable", value: c.text("transformationVariable")}}
		value := c.text("transformationConditionValue")
		switch operator := c.text("transformationConditionOperator"); {
		case operator == "exists":
			condition = append(condition, entry{key: "exists", value: true})
		case operator == "notExists":
			condition = append(condition, entry{key: "exists", value: false})
		case operators[operator] != "":
			condition = append(condition, entry{key: operators[operator], value: value})
		default:
			s.refuse(s.at, "condition %q is not known", operator)
			return
		}
		list = append(list, condition)
	}
	key := "all"
	if strings.EqualFold(root.text("logicalConnector"), "OR") {
		key = "any"
	}
	if list != nil {
		s.made.set("when", mapping{{key: key, value: list}})
	}
}

func (s *step) change(p *parameter) {
	switch p.Key {
	case "commonTransformation", "restHeaderTransformation", "headerTransformation", "requestHeaderTransformation":
		for i := range p.Parameters {
			s.common(&p.Parameters[i])
		}
		for _, name := range p.texts("remove") {
			if name != "" {
				s.remove(name)
			}
		}
	case "methodTransformation":
		if method := p.text("method"); method != "" && method != "CUSTOM" {
			s.made.replace("method", method)
		}
	case "payloadTransformation":
		if text := p.text("payload"); text != "" {
			s.single(text)
			s.text = text
		}
		if names := p.beyond("payload"); names != nil {
			s.refuse(s.at, "payloadTransformation.%s is not supported", names[0])
		}
	case "statusTransformation":
		if code, err := strconv.Atoi(p.text("statusCodeOptional") + p.text("statusCode")); err == nil {
			s.made.replace("status", code)
		}
		if reason := p.text("statusMessage"); reason != "" {
			s.made.replace("reason", reason)
		}
	default:
		s.refuse(s.at, "%s is not supported", p.Key)
	}
}

// found are the JSONPaths in a text.
var found = regexp.MustCompile(`\.payload\.jsonPath\[([^}]*)\]\}`)

// single refuses a text that shows all that a JSONPath finds where it can find
// several values: here it shows the first, which no mask would know again.
func (s *step) single(text string) {
	for _, path := range found.FindAllStringSubmatch(text, -1) {
		if strings.ContainsAny(path[1], "*,?:") || strings.Contains(path[1], "..") {
			s.refuse(s.at, "JSONPath %s can find several values, of which only the first would be sent", shorten(path[1]))
		}
	}
}

// typeOf is the type of a body that replaces another, by how it begins.
func typeOf(text string) string {
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		return "xml"
	}
	return "json"
}

func (s *step) common(p *parameter) {
	switch p.Key {
	case "remove":
	case "addOrModify":
		name, value := p.text("transformationVariable"), p.text("transformationValue")
		if name == "" {
			name, value = p.text("headerKey"), p.text("headerValue")
		}
		s.single(value)
		s.set(name, value)
	default:
		s.refuse(s.at, "%s is not supported", p.Key)
	}
}

// target is which of our settings changes what a variable names; key is "" where
// none does.
func (s *step) target(variable string) (key, name string) {
	name = strings.TrimSuffix(strings.TrimPrefix(variable, "${"), "}")
	side := "request."
	if s.answer {
		side = "response."
	}
	rest, ok := strings.CutPrefix(name, side)
	switch {
	case !ok && !strings.Contains(name, ".") && !strings.HasPrefix(variable, "${"):
		return "headers", name
	case !ok:
		return "", name
	case strings.HasPrefix(rest, "headers."):
		return "headers", strings.TrimPrefix(rest, "headers.")
	case strings.HasPrefix(rest, "query.") && !s.answer:
		return "query", strings.TrimPrefix(rest, "query.")
	case strings.HasPrefix(rest, "payload.jsonPath["):
		return "body", strings.TrimSuffix(strings.TrimPrefix(rest, "payload.jsonPath["), "]")
	}
	return rest, ""
}

func (s *step) set(variable, value string) {
	key, name := s.target(variable)
	switch {
	case key == "headers" || key == "query":
		s.into("set_"+key, name, value)
	case key == "body":
		s.into("json", name, value)
	case key == "path" && !s.answer:
		s.made.replace("path", value)
	case key == "httpMethod" && !s.answer:
		s.made.replace("method", value)
	case key == "statusMessage" && s.answer:
		s.made.replace("reason", value)
	case key == "payload":
		s.text = value
	default:
		s.refuse(s.at, "%s cannot be set", shorten(variable))
	}
}

// into sets a name; of what is set more than once the last value stands.
func (s *step) into(key, name, value string) {
	if s.sets[key] == nil {
		s.sets[key] = &mapping{}
	}
	for i, known := range *s.sets[key] {
		if same(key, known.key, name) {
			(*s.sets[key])[i].value = value
			return
		}
	}
	*s.sets[key] = append(*s.sets[key], entry{key: name, value: value})
}

// same compares names, those of fields in any case.
func same(key, a, b string) bool {
	return a == b || strings.HasSuffix(key, "headers") && strings.EqualFold(a, b)
}

// kept are the names that are removed and not set: what is removed first and then
// set has its value.
func (s *step) kept(remove, set string) (names []string) {
	for _, name := range s.drops[remove] {
		again := slices.ContainsFunc(names, func(known string) bool { return same(remove, known, name) })
		if s.sets[set] != nil {
			again = again || slices.ContainsFunc(*s.sets[set], func(e entry) bool { return same(remove, e.key, name) })
		}
		if !again {
			names = append(names, name)
		}
	}
	return names
}

func (s *step) remove(variable string) {
	switch key, name := s.target(variable); key {
	case "headers", "query":
		s.drops["remove_"+key] = append(s.drops["remove_"+key], name)
	case "body":
		s.drops["remove"] = append(s.drops["remove"], name)
	default:
		s.refuse(s.at, "%s cannot be removed", shorten(variable))
	}
}

func (s *step) finish() {
	for _, key := range []string{"set_query", "set_headers"} {
		if s.sets[key] != nil {
			s.made.set(key, *s.sets[key])
		}
	}
	for _, what := range []string{"query", "headers"} {
		s.made.set("remove_"+what, s.kept("remove_"+what, "set_"+what))
	}
	s.made.set("body", s.body())
	if len(s.made) == 0 || len(s.made) == 1 && s.made.has("when") {
		s.tell(s.at, "it changes nothing, and is left out")
		return
	}
	side := 0
	if s.answer {
		side = 1
	}
	s.steps[side] = append(s.steps[side], s.made)
}

// body is what becomes of it.
func (s *step) body() (body mapping) {
	if s.sets["json"] != nil {
		body.set("json", *s.sets["json"])
	}
	body.set("remove", s.kept("remove", "json"))
	switch {
	case s.text == "":
		return body
	case len(body) > 0:
		s.refuse(s.at, "a body that is replaced and changed in one step is not supported")
	}
	return mapping{{key: "text", value: s.text}, {key: "content_type", value: typeOf(s.text)}}
}
