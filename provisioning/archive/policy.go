package archive

import (
	"sort"
	"strconv"
	"strings"
)

// translation is what the policies of an API, or of one of its scopes, become.
type translation struct {
	*converter
	at         string  // for reports
	api        string  // id
	own        mapping // policies
	upstream   mapping
	routed     *parameter
	routedAt   string
	routes     []any // rules
	monitors   []any
	authorize  mapping
	identified *parameter
	masks      [3][]any // of requests, answers, faults
	steps      [2][]any // of transformations of requests, answers
	throttles  []any
	logs       []any
	validated  mapping
	hidden     []string // where masks hide: payload, log
	part       string   // "", or what it is for instead of one API
	rejected   bool
}

// translator turns an action into settings of its place.
type translator func(t *translation, at string, a *parameter)

// translators are all template keys that are known.
var translators = map[string]translator{
	"entryProtocolPolicy":             protocols,
	"evaluatePolicy":                  identify,
	"conditionalErrorProcessing":      conditionalErrors,
	"authorizeUser":                   authorizeUser,
	"straightThroughRouting":          straightThrough,
	"contentBasedRouting":             routeRules("contentRules", byContent),
	"contextBasedRouting":             routeRules("contextRules", byContext),
	"customHttpHeaders":               headers,
	"outboundTransportAuthentication": outbound,
	"monitorSLA":                      monitor,
	"monitorServicePerformance":       monitor,
	"serviceResultCache":              resultCache,
	"throttle":                        throttle,
	"requestDataMasking":              maskFor(0),
	"responseDataMasking":             maskFor(1),
	"faultDataMasking":                maskFor(2),
	"requestTransformation":           transformFor(false),
	"responseTransformation":          transformFor(true),
	"cors":                            cors,
	"validateAPISpec":                 nil, // by its stage
	"logInvocation":                   logInvocation,
	"setMediaType":                    mediaTypes,
	"globalipdos":                     flood,
	"ipdos":                           flood,
}

// policies translates policies in the order of their stages and actions. A policy
// that is inactive in the central gateway is in force there all the same.
func (t *translation) policies(ids []string) {
	for _, id := range ids {
		p := t.converter.export.policies.get(id)
		if p == nil {
			t.refuse(t.at, "policy %s is not in the export", id)
			continue
		}
		for _, stage := range p.Enforcements {
			order := stage.Enforcements
			sort.SliceStable(order, func(i, j int) bool { return rank(order[i].Order) < rank(order[j].Order) })
			for _, e := range order {
				t.action(stage.Stage, e.ID)
			}
		}
	}
	t.finish()
}

// rank is the place of an action; what has none keeps its own.
func rank(order any) int {
	n, err := strconv.Atoi(asText(order))
	if err != nil {
		return 0
	}
	return n
}

func (t *translation) action(stage, id string) {
	a := t.actions.get(id)
	if a == nil {
		t.refuse(t.at+", stage "+stage, "policy action %s is not in the export", id)
		return
	}
	at := t.at + ", stage " + stage + ", " + a.Key
	translate, known := translators[a.Key]
	if a.Key == "validateAPISpec" {
		translate = validateFor(stage)
	}
	if !known {
		t.refuse(at, "this policy is not supported")
		return
	}
	if t.part != "" && strings.HasSuffix(a.Key, "Routing") {
		t.refuse(at, "routing for %s is not supported", t.part)
		return
	}
	translate(t, at, &a.parameter)
}

// refuse leaves the API out: a part of a protection would be missing.
func (t *translation) refuse(at, format string, args ...any) {
	t.reject(at, format, args...)
	t.rejected = true
}

// state sets a policy of which there is one at each place: of two, both of which
// are in force, one would be lost.
func (t *translation) state(at, key string, value any) {
	if t.own.has(key) {
		t.refuse(at, twice)
		return
	}
	t.own.set(key, value)
}

// twice is why an action is refused that follows one of its kind.
const twice = "a second one at the same place is not supported"

// finish writes what several actions of one kind have said.
func (t *translation) finish() {
	t.own.set("throttle", t.throttles)
	t.own.set("monitor", t.monitors)
	t.own.set("invocationlog", t.logs)
	t.own.set("validate", t.validated)
	var mask mapping
	for i, key := range []string{"request", "response", "fault"} {
		mask.set(key, t.masks[i])
	}
	if len(t.hidden) == 1 {
		mask.set("apply", t.hidden)
	}
	t.own.set("mask", mask)
	var transform mapping
	for i, key := range []string{"request", "response"} {
		transform.set(key, t.steps[i])
	}
	t.own.set("transform", transform)
}

// ignored tells of parameters that nothing is done for.
func (t *translation) ignored(at string, a *parameter, known ...string) {
	if names := a.beyond(known...); len(names) > 0 {
		t.tell(at, "nothing is done for %s", strings.Join(names, ", "))
	}
}

func protocols(t *translation, at string, a *parameter) {
	t.state(at, "protocols", a.texts("protocol"))
	t.ignored(at, a, "protocol", "soapVersion")
}

func authorizeUser(t *translation, at string, a *parameter) {
	m := &t.authorize
	if len(*m) > 0 {
		t.refuse(at, twice)
		return
	}
	names := func(key, from string) {
		if all := a.texts(from); len(all) > 0 {
			m.set(key, mapping{{key: "any", value: all}})
		}
	}
	names("users", "users")
	names("groups", "groups")
	names("access_profiles", "accessProfiles")
	switch len(*m) {
	case 0:
		t.refuse(at, "it names nobody, so nobody would be let in")
	case 1:
	default:
		m.set("combine", "or")
	}
	t.ignored(at, a, "users", "groups", "accessProfiles")
}

// number is a whole one, as texts have it.
func number(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// mediaTypes are those of requests that say none.
func mediaTypes(t *translation, at string, a *parameter) {
	for _, field := range []struct{ name, from string }{{"Content-Type", "defaultContentType"}, {"Accept", "defaultAccept"}} {
		if value := a.text(field.from); value != "" {
			missing := mapping{{key: "variable", value: "${request.headers." + field.name + "}"}, {key: "exists", value: false}}
			t.steps[0] = append(t.steps[0], mapping{
				{key: "when", value: mapping{{key: "all", value: []any{missing}}}},
				{key: "set_headers", value: mapping{{key: field.name, value: value}}},
			})
		}
	}
	t.ignored(at, a, "defaultContentType", "defaultAccept")
}

// headers are fields that every request is forwarded with.
func headers(t *translation, at string, a *parameter) {
	var set mapping
	for _, h := range a.of("header") {
		set.replace(h.text("headerKey"), h.text("headerValue"))
	}
	if len(set) > 0 {
		t.steps[0] = append(t.steps[0], mapping{{key: "set_headers", value: set}})
	}
	t.ignored(at, a, "header")
}
