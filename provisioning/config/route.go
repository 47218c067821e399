package config

// Route says where requests go, and how: the first rule that fits takes one. What
// no rule takes goes to the API's own upstream.
type Route struct {
	Rules []RouteRule `yaml:"rules"`
}

// RouteRule is a way that requests may go.
type RouteRule struct {
	Name     string     `yaml:"name"`     // unlike all others that an API's requests may meet
	When     *RouteWhen `yaml:"when"`     // nil: always
	Upstream *Upstream  `yaml:"upstream"` // nil: the API's
	Method   string     `yaml:"method"`   // what is forwarded; "": as it came
	Path     string     `yaml:"path"`     // what follows the API's prefix: forward (default), drop
	Query    string     `yaml:"query"`    // of the caller: forward (default), drop
	SetQuery []Setting  `yaml:"set_query"`
	Headers  []Setting  `yaml:"headers"` // may hold variables, see gateway/variable
}

// RouteWhen describes requests: all of All fit, none of Not, and one of Any
// where that is stated.
type RouteWhen struct {
	All []RouteCondition `yaml:"all"`
	Any []RouteCondition `yaml:"any"`
	Not []RouteCondition `yaml:"none"`
}

// RouteCondition describes requests by one thing: exactly one key is stated.
type RouteCondition struct {
	Application []string       `yaml:"application"` // one of these, by name or id
	User        []string       `yaml:"user"`        // one of these: the gateway's user, else the subject of the token
	Claim       *ClaimRule     `yaml:"claim"`       // of the verified token
	Method      []string       `yaml:"method"`      // one of these
	Header      *FieldRule     `yaml:"header"`      // as it is forwarded, the first of its name
	Query       *FieldRule     `yaml:"query"`       // the first parameter of its name
	Address     []AddressRange `yaml:"address"`     // of the caller
	Date        *DateRule      `yaml:"date"`        // when the request came
	Time        *TimeRule      `yaml:"time"`        // likewise
	Payload     *PayloadRule   `yaml:"payload"`     // the body, which is held for it
	Share       *Share         `yaml:"share"`
}

// FieldRule looks for a field or parameter. It must be there, and compare where a
// comparison is stated.
type FieldRule struct {
	Name             string   `yaml:"name"`
	Equals           *string  `yaml:"equals"`
	EqualsIgnoreCase *string  `yaml:"equals_ignore_case"`
	Contains         string   `yaml:"contains"`
	OneOf            []string `yaml:"one_of"`
	Pattern          string   `yaml:"pattern"` // RE2, the whole value
}

// DateRule compares a moment with days of UTC, or moments as in RFC 3339. All
// that is stated must hold.
type DateRule struct {
	Before string `yaml:"before"`
	After  string `yaml:"after"` // when that day is over
	On     string `yaml:"on"`    // days only
}

// TimeRule compares the time of day, in UTC. From later than Until is a night.
type TimeRule struct {
	From  string `yaml:"from"`  // 15:04 or 15:04:05
	Until string `yaml:"until"` // without this moment
}

// Share takes a part of the requests that come to it.
type Share struct {
	Part Ratio  `yaml:"part"`
	By   string `yaml:"by"` // so that equal ones go the same way, see Balance.By; "": by chance
}

func (r *Route) setDefaults() {
	for i := range r.Rules {
		rule := &r.Rules[i]
		if rule.Upstream != nil {
			rule.Upstream.setDefaults()
		}
		setDefault(&rule.Path, "forward")
		setDefault(&rule.Query, "forward")
	}
}

// Conditions are all of them, and where each stands below the rule.
func (r *RouteRule) Conditions(visit func(c *RouteCondition, path ...any)) {
	if r.When == nil {
		return
	}
	for i := range r.When.All {
		visit(&r.When.All[i], "when", "all", i)
	}
	for i := range r.When.Any {
		visit(&r.When.Any[i], "when", "any", i)
	}
	for i := range r.When.Not {
		visit(&r.When.Not[i], "when", "none", i)
	}
}
