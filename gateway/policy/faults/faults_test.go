package faults_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/policy/faults"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// newFaults is a section with its defaults.
func newFaults(t testing.TB, cfg config.FaultPolicy) *faults.Faults {
	t.Helper()
	whole := &config.Config{Faults: &cfg}
	whole.SetDefaults()
	f, err := faults.New(whole.Faults, faults.Site{Bodies: message.New(1<<20, 1<<24)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newExchange is a request for /gateway/orders/1.0/items/7 with these field lines.
func newExchange(fields ...string) *exchange.Exchange {
	x := &exchange.Exchange{
		HTTP: new(fasthttp.RequestCtx), ID: []byte("id-1"), API: "orders/1.0", Route: "/items/{id}",
		Path: []byte("/gateway/orders/1.0/items/7"), Address: netip.MustParseAddr("192.0.2.7"),
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		x.Head.Add(name, value)
	}
	return x
}

// answered lets the upstream answer with these field lines, in a chain whose only
// policy f is, and returns what was told; "" when the answer passes.
func answered(f *faults.Faults, x *exchange.Exchange, status int, fields ...string) string {
	err := f.Policy(func(x *exchange.Exchange) error {
		x.Answer.Status = status
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			x.Answer.Head.Add(name, value)
		}
		return nil
	})(x)
	if err == nil {
		return ""
	}
	x.Tell(x, err.(*problem.Problem))
	return written(x)
}

// told is what the caller is told of p.
func told(f *faults.Faults, x *exchange.Exchange, p *problem.Problem) string {
	f.Tell(x, p)
	return written(x)
}

// written is the answer without what the server adds.
func written(x *exchange.Exchange) string {
	var lines []string
	for line := range strings.Lines(x.HTTP.Response.String()) {
		if line = strings.TrimRight(line, "\r\n"); !strings.HasPrefix(line, "Date: ") && !strings.HasPrefix(line, "Content-Length: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestAnswers(t *testing.T) {
	busy := problem.Overloaded.Because(nil)
	text := func(when config.FaultWhen, body string) config.FaultRule {
		return config.FaultRule{When: when, Answer: config.FaultAnswer{ContentType: "text", Body: body}}
	}
	header := func(h config.FaultHeader) config.FaultWhen { return config.FaultWhen{Headers: []config.FaultHeader{h}} }
	for _, tt := range []struct {
		name   string
		cfg    config.FaultPolicy
		p      *problem.Problem
		fields []string
		status int
		body   string
	}{
		{"no rule", config.FaultPolicy{}, problem.NotFound, nil, 404, `{"type":"urn:postern:problem:not_found","title":"There is nothing here","status":404,"instance":"urn:postern:request:id-1","code":"not_found"}`},
		{"status fits", config.FaultPolicy{Rules: []config.FaultRule{text(config.FaultWhen{Status: []string{"401", "503"}}, "a")}}, busy, nil, 503, "a"},
		{"class fits", config.FaultPolicy{Rules: []config.FaultRule{text(config.FaultWhen{Status: []string{"4xx"}}, "a"), text(config.FaultWhen{Status: []string{"5xx"}}, "b")}}, busy, nil, 503, "b"},
		{"the first rule counts", config.FaultPolicy{Rules: []config.FaultRule{text(config.FaultWhen{Status: []string{"503"}}, "a"), text(config.FaultWhen{Status: []string{"5xx"}}, "b")}}, busy, nil, 503, "a"},
		{"default", config.FaultPolicy{Rules: []config.FaultRule{text(config.FaultWhen{Status: []string{"401"}}, "a")}, Default: &config.FaultAnswer{Body: `{"a":1}`}}, busy, nil, 503, `{"a":1}`},
		{"default before format", config.FaultPolicy{Format: "webmethods", Default: &config.FaultAnswer{Body: "{}"}}, busy, nil, 503, "{}"},
		{"another status", config.FaultPolicy{Default: &config.FaultAnswer{Status: 500, Body: "${problem.status}"}}, busy, nil, 500, "503"},
		{"field equals", config.FaultPolicy{Rules: []config.FaultRule{text(header(config.FaultHeader{Name: "accept", Equals: "Application/json"}), "a")}}, busy, []string{"Accept: text/html", "Accept: application/json"}, 503, "a"},
		{"field contains", config.FaultPolicy{Rules: []config.FaultRule{text(header(config.FaultHeader{Name: "Accept", Contains: "JSON"}), "a")}}, busy, []string{"Accept: a/b, application/json;q=0.1"}, 503, "a"},
		{"field is there", config.FaultPolicy{Rules: []config.FaultRule{text(header(config.FaultHeader{Name: "X-Old"}), "a")}}, busy, []string{"X-Old: "}, 503, "a"},
		{"one condition does not fit", config.FaultPolicy{
			Rules:   []config.FaultRule{text(config.FaultWhen{Status: []string{"503"}, Headers: []config.FaultHeader{{Name: "A"}, {Name: "B"}}}, "a")},
			Default: &config.FaultAnswer{ContentType: "text", Body: "b"},
		}, busy, []string{"A: 1"}, 503, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newExchange(tt.fields...)
			told(newFaults(t, tt.cfg), x, tt.p)
			if got := strings.TrimSpace(string(x.HTTP.Response.Body())); got != tt.body || x.HTTP.Response.StatusCode() != tt.status {
				t.Errorf("%d %s, want %d %s", x.HTTP.Response.StatusCode(), got, tt.status, tt.body)
			}
		})
	}
}

// Whatever words the body, what a caller's software acts on is there.
func TestFieldsStay(t *testing.T) {
	f := newFaults(t, config.FaultPolicy{Default: &config.FaultAnswer{Status: 400, ContentType: "text/html; charset=utf-8", Body: "<p>No.</p>"}})
	p := problem.InvalidToken.Because(nil)
	p.Nonce, p.Allow, p.RetryAfter = "n-1", "GET", 1
	want := `HTTP/1.1 400 Bad Request
Content-Type: text/html; charset=utf-8
Cache-Control: no-store
X-Request-Id: id-1
Www-Authenticate: Bearer realm="postern", error="invalid_token"
Dpop-Nonce: n-1
Retry-After: 1
Allow: GET
X-Content-Type-Options: nosniff

<p>No.</p>`
	if diff := cmp.Diff(want, told(f, newExchange(), p)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestAccept(t *testing.T) {
	f := newFaults(t, config.FaultPolicy{Default: &config.FaultAnswer{
		Body: `"json"`, Also: []config.FaultMessage{{ContentType: "xml", Body: "<xml/>"}, {ContentType: "text", Body: "text"}},
	}})
	for accept, want := range map[string]string{
		"":                                      `"json"`,
		"*/*":                                   `"json"`,
		"image/png":                             `"json"`,
		"application/xml":                       "<xml/>",
		"APPLICATION/XML":                       "<xml/>",
		"text/html, text/*;q=0.5":               "text",
		"application/*;q=0.5, text/plain":       "text",
		"application/json;q=0.4, */*;q=0.3":     `"json"`,
		"application/json;q=0, */*":             "<xml/>",
		"*/*, application/json;q=0":             "<xml/>",
		"text/plain;q=none, application/xml":    "<xml/>",
		"text/plain;q=7, application/xml;q=0.1": "<xml/>",
		"text/plain; format=flowed; Q=0.9":      "text",
	} {
		x := newExchange("Accept: " + accept)
		if f.Tell(x, problem.NotFound); string(x.HTTP.Response.Body()) != want {
			t.Errorf("%q is answered with %s, want %s", accept, x.HTTP.Response.Body(), want)
		}
	}
}

func TestNativeFaults(t *testing.T) {
	pass := newFaults(t, config.FaultPolicy{Default: &config.FaultAnswer{Body: "{}"}})
	if got := answered(pass, newExchange(), 500); got != "" {
		t.Errorf("passed as %s", got)
	}
	f := newFaults(t, config.FaultPolicy{Native: "replace", Rules: []config.FaultRule{{
		When:   config.FaultWhen{Status: []string{"503"}},
		Answer: config.FaultAnswer{ContentType: "text", Body: "${response.statusCode} ${response.headers.X-Cause} ${problem.code}"},
	}}})
	for _, status := range []int{101, 200, 204, 304, 399} {
		if got := answered(f, newExchange(), status); got != "" {
			t.Errorf("%d became %s", status, got)
		}
	}
	upstream := []string{
		"Content-Type: text/html", "ETag: x", "Last-Modified: x", "Content-Encoding: gzip", "Content-Length: 5", "Set-Cookie: a=b", "X-Cause: overfull",
		"retry-after: 120", "Vary: Origin", "Access-Control-Allow-Origin: https://a.example", "Server: secret/1.0",
	}
	for _, tt := range []struct {
		name   string
		status int
		fields []string
		want   string
	}{
		{"rule", 503, upstream, `HTTP/1.1 503 Service Unavailable
Content-Type: text/plain; charset=utf-8
Cache-Control: no-store
X-Request-Id: id-1
Retry-After: 120
Vary: Origin
Access-Control-Allow-Origin: https://a.example
X-Content-Type-Options: nosniff

503 overfull upstream_fault`},
		{"no rule", 404, nil, `HTTP/1.1 404 Not Found
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1

{"type":"urn:postern:problem:upstream_fault","title":"The service answered with an error","status":404,"instance":"urn:postern:request:id-1","code":"upstream_fault"}`},
		{"its challenges", 401, []string{`WWW-Authenticate: Basic realm="a"`, `www-authenticate: Digest realm="b"`}, `HTTP/1.1 401 Unauthorized
Content-Type: application/problem+json
Cache-Control: no-store
X-Request-Id: id-1
Www-Authenticate: Basic realm="a"
Www-Authenticate: Digest realm="b"

{"type":"urn:postern:problem:upstream_fault","title":"The service answered with an error","status":401,"instance":"urn:postern:request:id-1","code":"upstream_fault"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, answered(f, newExchange(), tt.status, tt.fields...)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

var moment = regexp.MustCompile(`Time:[0-2]\d:\d\d:\d\d [AP]M, Date:[A-Z][a-z]{2} \d{1,2}, \d{4},`)

// vendor is an answer of webMethods API Gateway, at one moment.
func vendor(words, service, operation, user, application string) string {
	return `{"Exception":"API Gateway encountered an error. Error Message: ` + words + `. Request Details: Service - ` + service + `, Operation - ` + operation +
		`, Invocation Time:10:11:03 AM, Date:Dec 3, 2023,  Client IP - 192.0.2.7, User - ` + user + ` and Application:` + application + `"}`
}

func TestWebMethods(t *testing.T) {
	f := newFaults(t, config.FaultPolicy{Format: "webmethods", Native: "replace"})
	for _, tt := range []struct {
		name string
		p    *problem.Problem
		with func(x *exchange.Exchange)
		want string
	}{
		{"no token", problem.TokenMissing, nil, vendor(" Unauthorized application request", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"bad token", problem.InvalidToken, nil, vendor(" Unauthorized application request", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"protocol", problem.ProtocolNotAllowed, nil, vendor("Transport protocol not supported", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"no credential", problem.Unidentified, nil, vendor(" Unauthorized application request", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"bad credential", problem.InvalidCredential, nil, vendor(" Unauthorized application request", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"origin", problem.OriginNotAllowed, nil, vendor("Specified Origin is not allowed", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"header", problem.HeaderNotAllowed, nil, vendor("Header Not Supported", "orders", "/items/{id}", "Default", "sys:defaultApplication")},
		{"upstream away", problem.UpstreamFailed, func(x *exchange.Exchange) {
			x.Caller.Subject, x.Caller.Application.Name = `al"ice`, "shop"
		}, vendor("Downtime exception: Not able to reach end point", "orders", "/items/{id}", `al\"ice`, "shop")},
		{"words are not known", problem.NotFound, func(x *exchange.Exchange) { x.API, x.Route = "", "" }, vendor("There is nothing here", "Unknown", "Unknown", "Default", "sys:defaultApplication")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newExchange()
			if tt.with != nil {
				tt.with(x)
			}
			f.Tell(x, tt.p.Because(nil))
			got := moment.ReplaceAllString(string(x.HTTP.Response.Body()), "Time:10:11:03 AM, Date:Dec 3, 2023,")
			if got != tt.want || string(x.HTTP.Response.Header.ContentType()) != "application/json" {
				t.Errorf("%s\ngot  %s\nwant %s", x.HTTP.Response.Header.ContentType(), got, tt.want)
			}
		})
	}
}

func TestConfigurationFaults(t *testing.T) {
	cfg := config.FaultPolicy{
		Rules: []config.FaultRule{{Answer: config.FaultAnswer{ContentType: "json", Body: `{"a":"${request.pth}"}`, Also: []config.FaultMessage{{ContentType: "text/html", Body: "${apiName}"}}}}},
		Default: &config.FaultAnswer{
			ContentType: "application/x+XML", Body: "<a>${request.authorization.authHeader}${request.headers.x-token}</b>",
		},
	}
	_, err := faults.New(&cfg, faults.Site{Secrets: []string{"X-Token"}})
	want := `rules[0].answer.body: at character 7: ${request.pth} is no variable; did you mean "request.path"?
rules[0].answer.also[0].body: at character 1: ${apiName} cannot be escaped in a text of this type: json, xml and text can hold variables
default.body: at character 4: ${request.authorization.authHeader} is a secret, which no answer may show
default.body: at character 39: ${request.headers.x-token} is a secret, which no answer may show`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// A caller that sends what would break out of an answer is told of it in its place.
func TestStrangersWriteNoAnswers(t *testing.T) {
	evil := "\"}\r\n</a><script>'&\\" // as a decoder of bodies could bring it; a field line cannot hold it
	f := newFaults(t, config.FaultPolicy{Default: &config.FaultAnswer{
		Body: `{"a":"${request.query.q}"}`, Also: []config.FaultMessage{{ContentType: "xml", Body: "<a>${request.query.q}</a>"}, {ContentType: "text", Body: "a ${request.query.q}"}},
	}})
	for accept, want := range map[string]string{
		"application/json": `{"a":"\"}\u000d\u000a</a><script>'&\\"}`,
		"application/xml":  "<a>&#34;}\ufffd\n&lt;/a&gt;&lt;script&gt;&#39;&amp;\\</a>",
		"text/plain":       "a \"}\ufffd\n</a><script>'&\\",
	} {
		x := newExchange("Accept: " + accept)
		x.Query = []byte("q=" + strings.NewReplacer("\r", "%0d", "\n", "%0a", "&", "%26").Replace(evil))
		if f.Tell(x, problem.NotFound); string(x.HTTP.Response.Body()) != want {
			t.Errorf("%s: %q, want %q", accept, x.HTTP.Response.Body(), want)
		}
	}
	long := newFaults(t, config.FaultPolicy{Default: &config.FaultAnswer{ContentType: "text", Body: strings.Repeat("${request.headers.A}", 10)}})
	x := newExchange("A: " + strings.Repeat("a", 200_000))
	if long.Tell(x, problem.NotFound); len(x.HTTP.Response.Body()) != 64<<10+10*len("…") {
		t.Errorf("%d bytes", len(x.HTTP.Response.Body()))
	}
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"*/*", "a/b;q=1", ";;,=q", "text/plain;q=-1", "application/xml;q=NaN"} {
		f.Add(seed)
	}
	known := []string{`"json"`, "<xml/>"}
	told := newFaults(f, config.FaultPolicy{Default: &config.FaultAnswer{Body: known[0], Also: []config.FaultMessage{{ContentType: "xml", Body: known[1]}}}})
	f.Fuzz(func(t *testing.T, accept string) {
		x := newExchange("Accept: " + accept)
		if told.Tell(x, problem.NotFound); !slices.Contains(known, string(x.HTTP.Response.Body())) {
			t.Errorf("%q", x.HTTP.Response.Body())
		}
	})
}

// BenchmarkNothingFails is what the policy costs a request that goes well.
func BenchmarkNothingFails(b *testing.B) {
	f := newFaults(b, config.FaultPolicy{Native: "replace", Default: &config.FaultAnswer{Body: `{"a":"${problem.code}"}`}})
	x := newExchange()
	h := f.Policy(func(x *exchange.Exchange) error { x.Answer.Status = 200; return nil })
	b.ReportAllocs()
	for b.Loop() {
		if err := h(x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTell(b *testing.B) {
	f := newFaults(b, config.FaultPolicy{Format: "webmethods"})
	x := newExchange()
	b.ReportAllocs()
	for b.Loop() {
		f.Tell(x, problem.TokenMissing)
	}
}
