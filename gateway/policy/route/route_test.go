package route_test

import (
	"bufio"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/policy/route"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// request is one that a rule may fit.
func request(t testing.TB, target string, fields ...string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), Started: time.Date(2020, 4, 20, 21, 30, 0, 0, time.UTC)}
	head := "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
	err := x.HTTP.Request.Header.Read(bufio.NewReader(strings.NewReader(head)))
	if err == nil {
		x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
	}
	if err != nil {
		t.Fatal(err)
	}
	path, query, found := strings.Cut(target, "?")
	x.Path, x.Rest = []byte(path), []byte(path)
	if found {
		x.Query = []byte(query)
	}
	x.Address = netip.MustParseAddr("10.60.0.7")
	x.Caller = exchange.Caller{
		Subject: "subject", Claims: map[string]any{"tenant": "acme", "roles": []any{"a", "b"}},
		Application: exchange.Application{Name: "shop", ID: "9502c862"},
	}
	return x
}

// taken is how often a rule took a request.
type taken map[string]*metrics.Counter

func (c taken) of(rule string) *metrics.Counter {
	if c[rule] == nil {
		c[rule] = new(metrics.Counter)
	}
	return c[rule]
}

func policy(t testing.TB, counts taken, rules ...config.RouteRule) exchange.Policy {
	t.Helper()
	p, err := route.New(&config.Route{Rules: rules}, route.Site{
		Bodies: message.New(1<<20, 1<<24), Counter: counts.of,
		Forward: func(rule string, _ *config.Upstream) (exchange.Handler, error) {
			return func(x *exchange.Exchange) error { x.Upstream = rule; return nil }, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// forwarded is the end of a chain.
func forwarded(x *exchange.Exchange) error {
	if x.Forward != nil {
		return x.Forward(x)
	}
	x.Upstream = "api"
	return nil
}

func text(s string) *string { return &s }

func addresses(t testing.TB, texts ...string) (all []config.AddressRange) {
	t.Helper()
	for _, one := range texts {
		r, err := config.ParseAddressRange(one)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestConditions(t *testing.T) {
	type c = config.RouteCondition
	field := func(f config.FieldRule) c { return c{Header: &f} }
	query := func(f config.FieldRule) c { return c{Query: &f} }
	date := func(d config.DateRule) c { return c{Date: &d} }
	for _, tt := range []struct {
		name      string
		condition c
		fits      bool
	}{
		{"application by name", c{Application: []string{"other", "shop"}}, true},
		{"application by id", c{Application: []string{"9502c862"}}, true},
		{"another application", c{Application: []string{"shopp"}}, false},
		{"subject", c{User: []string{"subject"}}, true},
		{"another user", c{User: []string{"Subject"}}, false},
		{"claim", c{Claim: &config.ClaimRule{Name: "tenant", Equals: text("acme")}}, true},
		{"claim in a list", c{Claim: &config.ClaimRule{Name: "roles", Contains: text("b")}}, true},
		{"another claim", c{Claim: &config.ClaimRule{Name: "tenant", Pattern: "acm"}}, false},
		{"method", c{Method: []string{"POST", "GET"}}, true},
		{"another method", c{Method: []string{"POST"}}, false},
		{"first address", c{Address: addresses(t, "10.60.0.7-10.60.0.10")}, true},
		{"last address", c{Address: addresses(t, "10.60.0.1-10.60.0.7")}, true},
		{"address beyond", c{Address: addresses(t, "10.60.0.1-10.60.0.6", "2001:db8::/32")}, false},
		{"header", field(config.FieldRule{Name: "x-a"}), true},
		{"header, empty", field(config.FieldRule{Name: "X-Empty"}), true},
		{"header, not there", field(config.FieldRule{Name: "X-B"}), false},
		{"header, a twin", field(config.FieldRule{Name: "X-Twin"}), false},
		{"header equals", field(config.FieldRule{Name: "X-A", Equals: text("One")}), true},
		{"header equals, another case", field(config.FieldRule{Name: "X-A", Equals: text("one")}), false},
		{"header equals, the second of its name", field(config.FieldRule{Name: "X-A", Equals: text("Two")}), false},
		{"header equals, ignoring case", field(config.FieldRule{Name: "X-A", EqualsIgnoreCase: text("oNE")}), true},
		{"header contains", field(config.FieldRule{Name: "X-A", Contains: "ne"}), true},
		{"header one of", field(config.FieldRule{Name: "X-A", OneOf: []string{"Two", "One"}}), true},
		{"header pattern", field(config.FieldRule{Name: "X-A", Pattern: "O.e"}), true},
		{"header pattern, a part", field(config.FieldRule{Name: "X-A", Pattern: "On"}), false},
		{"header pattern, alternatives", field(config.FieldRule{Name: "X-A", Pattern: "One|x"}), true},
		{"query", query(config.FieldRule{Name: "q"}), true},
		{"query, escaped", query(config.FieldRule{Name: "q", Equals: text("a b/c")}), true},
		{"query, escaped name", query(config.FieldRule{Name: "a&b", Equals: text("1")}), true},
		{"query, the second", query(config.FieldRule{Name: "q", Equals: text("2")}), false},
		{"query, not there", query(config.FieldRule{Name: "r"}), false},
		{"before", date(config.DateRule{Before: "2020-04-21"}), true},
		{"before, the same day", date(config.DateRule{Before: "2020-04-20"}), false},
		{"before a moment", date(config.DateRule{Before: "2020-04-20T21:30:01Z"}), true},
		{"before that moment", date(config.DateRule{Before: "2020-04-20T21:30:00Z"}), false},
		{"after", date(config.DateRule{After: "2020-04-19"}), true},
		{"after, the same day", date(config.DateRule{After: "2020-04-20"}), false},
		{"after a moment elsewhere", date(config.DateRule{After: "2020-04-20T23:30:00+02:00"}), true},
		{"on", date(config.DateRule{On: "2020-04-20"}), true},
		{"on another day", date(config.DateRule{On: "2020-04-21"}), false},
		{"between", date(config.DateRule{After: "2020-04-01", Before: "2020-05-01"}), true},
		{"not between", date(config.DateRule{After: "2020-04-01", Before: "2020-04-02"}), false},
		{"time", c{Time: &config.TimeRule{From: "21:30", Until: "21:31"}}, true},
		{"time, its end", c{Time: &config.TimeRule{From: "21:00", Until: "21:30"}}, false},
		{"time, seconds", c{Time: &config.TimeRule{From: "21:30:01", Until: "21:31"}}, false},
		{"night", c{Time: &config.TimeRule{From: "21:00", Until: "06:00"}}, true},
		{"another night", c{Time: &config.TimeRule{From: "22:00", Until: "21:30"}}, false},
		{"all of them", c{Share: &config.Share{Part: 1}}, true},
		{"next to none of them", c{Share: &config.Share{Part: 1e-300}}, false},
		{"without what is hashed", c{Share: &config.Share{Part: 1, By: "cookie:s"}}, false},
		{"no body", c{Payload: &config.PayloadRule{JSONPath: "$"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, not := range []bool{false, true} {
				w := &config.RouteWhen{All: []c{tt.condition}}
				if not {
					w = &config.RouteWhen{Not: []c{tt.condition}}
				}
				x := request(t, "/x?%71=a+b%2Fc&a%26b=1&q=2", "X-A: One", "X-A: Two", "X-Empty:", "X_Twin: 1")
				counts := taken{}
				h := policy(t, counts, config.RouteRule{Name: "r", When: w, Upstream: new(config.Upstream)})(forwarded)
				if err := h(x); err != nil {
					t.Fatal(err)
				}
				fits := tt.fits != not
				if got := x.Upstream == "r"; got != fits || (x.Rule == "r") != fits || (counts.of("r").Get() == 1) != fits {
					t.Errorf("none %v: sent to %q by rule %q, want it to fit: %v", not, x.Upstream, x.Rule, fits)
				}
			}
		})
	}
}

func TestCombinations(t *testing.T) {
	yes, no := config.RouteCondition{Method: []string{"GET"}}, config.RouteCondition{Method: []string{"PUT"}}
	list := func(word string) (all []config.RouteCondition) {
		for _, letter := range word {
			all = append(all, map[rune]config.RouteCondition{'y': yes, 'n': no}[letter])
		}
		return all
	}
	for _, tt := range []struct {
		all, any, none string
		fits           bool
	}{
		{"y", "", "", true},
		{"yn", "", "", false},
		{"", "ny", "", true},
		{"", "nn", "", false},
		{"", "", "nn", true},
		{"", "", "ny", false},
		{"y", "y", "n", true},
		{"y", "n", "n", false},
		{"n", "y", "n", false},
		{"y", "y", "y", false},
	} {
		x := request(t, "/x")
		w := &config.RouteWhen{All: list(tt.all), Any: list(tt.any), Not: list(tt.none)}
		if err := policy(t, taken{}, config.RouteRule{Name: "r", When: w})(forwarded)(x); err != nil || (x.Rule == "r") != tt.fits {
			t.Errorf("all %q, any %q, none %q: rule %q, %v", tt.all, tt.any, tt.none, x.Rule, err)
		}
	}
}

// The first rule that fits takes a request, and no other changes it.
func TestFirstRule(t *testing.T) {
	header := func(value string) []config.Setting { return []config.Setting{{Name: "X-Rule", Text: value}} }
	h := policy(t, taken{},
		config.RouteRule{Name: "put", When: &config.RouteWhen{Any: []config.RouteCondition{{Method: []string{"PUT"}}}}, Headers: header("put")},
		config.RouteRule{Name: "get", When: &config.RouteWhen{Any: []config.RouteCondition{{Method: []string{"GET"}}}}, Headers: header("get ${request.path}")},
		config.RouteRule{Name: "all", Headers: header("all"), Upstream: new(config.Upstream)},
	)(forwarded)
	x := request(t, "/x", "X-Rule: evil", "X_Rule: evil")
	if err := h(x); err != nil || x.Rule != "get" || x.Upstream != "api" {
		t.Errorf("rule %q, upstream %q, %v", x.Rule, x.Upstream, err)
	}
	if got := string(x.Head.Append(nil)); strings.Contains(got, "evil") || string(x.Head.Get("X-Rule")) != "get /x" {
		t.Errorf("fields %q", got)
	}
}

// A user of the gateway is not the subject of somebody's token.
func TestUserBeatsSubject(t *testing.T) {
	h := policy(t, taken{}, config.RouteRule{Name: "r", When: &config.RouteWhen{Any: []config.RouteCondition{{User: []string{"Administrator"}}}}})(forwarded)
	for user, fits := range map[string]bool{"": true, "alice": false, "Administrator": true} {
		x := request(t, "/x")
		x.Caller.Subject, x.Caller.User = "Administrator", user
		if err := h(x); err != nil || (x.Rule == "r") != fits {
			t.Errorf("user %q: rule %q, %v", user, x.Rule, err)
		}
	}
	x := request(t, "/x")
	x.Caller = exchange.Caller{}
	if err := h(x); err != nil || x.Rule != "" {
		t.Errorf("nobody: rule %q, %v", x.Rule, err)
	}
}

// Parts are as large as they are said to be, larger ones hold smaller ones, and
// rules take different callers.
func TestShare(t *testing.T) {
	share := func(name string, part config.Ratio, by string) func(session string) bool {
		h := policy(t, taken{}, config.RouteRule{Name: name, When: &config.RouteWhen{All: []config.RouteCondition{{Share: &config.Share{Part: part, By: by}}}}})(forwarded)
		return func(session string) bool {
			x := request(t, "/x", "X-Session: "+session)
			if err := h(x); err != nil {
				t.Fatal(err)
			}
			return x.Rule != ""
		}
	}
	small, large, other := share("a", 0.1, "header:X-Session"), share("a", 0.3, "header:X-Session"), share("b", 0.1, "header:X-Session")
	chance := share("a", 0.3, "")
	const n = 4000
	var smalls, larges, both, chances int
	for i := range n {
		session := fmt.Sprint(i)
		s, l := small(session), large(session)
		if s != small(session) || s && !l {
			t.Fatalf("session %d: %v, %v", i, s, l)
		}
		for hit, count := range map[*int]bool{&smalls: s, &larges: l, &both: s && other(session), &chances: chance(session)} {
			if count {
				*hit++
			}
		}
	}
	for _, c := range []struct {
		what      string
		got, want int
	}{{"0.1", smalls, 400}, {"0.3", larges, 1200}, {"0.1 of 0.1", both, 40}, {"0.3 by chance", chances, 1200}} {
		if c.got < c.want/2 || c.got > c.want*3/2 {
			t.Errorf("%s of %d: %d, want about %d", c.what, n, c.got, c.want)
		}
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		rule         config.RouteRule
		want         string
	}{
		{"as it came", "GET", config.RouteRule{}, "GET /x?a=1&t=evil&%74=evil"},
		{"method", "GET", config.RouteRule{Method: "POST"}, "POST /x?a=1&t=evil&%74=evil"},
		{"HEAD", "HEAD", config.RouteRule{Method: "POST"}, "HEAD /x?a=1&t=evil&%74=evil"},
		{"path", "GET", config.RouteRule{Path: "drop"}, "GET ?a=1&t=evil&%74=evil"},
		{"query", "GET", config.RouteRule{Query: "drop"}, "GET /x"},
		{"parameter", "GET", config.RouteRule{SetQuery: []config.Setting{{Name: "t", Text: "a b"}}}, "GET /x?a=1&t=a%20b"},
		{"only the parameter", "GET", config.RouteRule{Query: "drop", SetQuery: []config.Setting{{Name: "t", Text: "X"}}}, "GET /x?t=X"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request(t, "/x?a=1&t=evil&%74=evil")
			x.HTTP.Request.Header.SetMethod(tt.method)
			if err := policy(t, taken{}, tt.rule)(forwarded)(x); err != nil {
				t.Fatal(err)
			}
			got := string(x.SentMethod()) + " " + string(x.SentRest())
			if x.Query != nil {
				got += "?" + string(x.Query)
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	bad := config.Route{Rules: []config.RouteRule{
		{Name: "a", Headers: []config.Setting{{Name: "X-A", Text: "${request.headrs.X}"}, {Name: "X-B", Text: "${response.statusCode}"}, {Name: "X-C", Text: "${request.headers.Cookie}"}}},
		{Name: "b", When: &config.RouteWhen{All: []config.RouteCondition{{Payload: &config.PayloadRule{JSONPath: "$["}}}, Any: []config.RouteCondition{{Claim: &config.ClaimRule{Name: "a", Pattern: "("}}}}},
		{Name: "c", Upstream: new(config.Upstream)},
	}}
	_, err := route.New(&bad, route.Site{
		Counter: taken{}.of,
		Forward: func(string, *config.Upstream) (exchange.Handler, error) {
			return nil, config.Faults{{Path: []any{"tls", "ca"}, Message: "no certificate"}}
		},
	})
	for _, want := range []string{
		`rules[0].headers.X-A`, `rules[0].headers.X-B`, `rules[0].headers.X-C`,
		`rules[1].when.all[0].payload.json_path`, `rules[1].when.any[0].claim.pattern`, `rules[2].upstream.tls.ca: no certificate`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault at %s: %v", want, err)
		}
	}
}

// A body that was refused before ends the request.
func TestRefusedBody(t *testing.T) {
	x := request(t, "/x")
	x.Message = problem.ContentTooLarge.Because(nil)
	called := false
	h := policy(t, taken{}, config.RouteRule{Name: "r", When: &config.RouteWhen{All: []config.RouteCondition{{Payload: &config.PayloadRule{JSONPath: "$.a"}}}}})(
		func(*exchange.Exchange) error { called = true; return nil })
	if err := h(x); err == nil || called {
		t.Errorf("%v, forwarded %v", err, called)
	}
}
