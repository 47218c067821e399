package cors_test

import (
	"bufio"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/policy/cors"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// request is an exchange of a head whose lines are separated by |.
func request(t testing.TB, head string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	line, rest, _ := strings.Cut(head, "|")
	if !strings.Contains(rest, "Host:") {
		rest = "Host: api.example.com|" + rest
	}
	raw := line + " /x HTTP/1.1\r\n" + strings.ReplaceAll(strings.Trim(rest, "|"), "|", "\r\n") + "\r\n\r\n"
	if err := x.HTTP.Request.Header.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	return x
}

// answers is an upstream that has its own opinion of origins.
func answers(x *exchange.Exchange) error {
	x.Answer.Status = 200
	x.Answer.Head.Add("access-control-allow-origin", "https://evil.example")
	x.Answer.Head.Add("Access-Control-Max-Age", "9")
	x.Answer.Head.Add("Etag", "1")
	return nil
}

// text is the fields, one after the other.
func text(h *wire.Head) string {
	return strings.ReplaceAll(strings.TrimSuffix(string(h.Append(nil)), "\r\n"), "\r\n", "|")
}

// ask lets the policy decide on a request, and says how it did.
func ask(t testing.TB, cfg config.CORS, owners cors.Owners, x *exchange.Exchange) (outcome, fields string) {
	t.Helper()
	policy, err := cors.New(&cfg, owners)
	if err != nil {
		t.Fatal(err)
	}
	switch err := policy(answers)(x); {
	case err != nil:
		outcome = err.Error()
	case x.Answer.Status != 0:
		outcome = "passes"
		if diff := cmp.Diff("Etag: 1", text(&x.Answer.Head)); diff != "" {
			t.Errorf("the upstream's fields (-want +got):\n%s", diff)
		}
	default:
		outcome = "answers"
		if status := x.HTTP.Response.StatusCode(); status != 204 {
			t.Errorf("status %d", status)
		}
	}
	return outcome, text(&x.Fields)
}

func named(texts ...string) (origins []config.Origin) {
	for _, text := range texts {
		origins = append(origins, config.Origin{Text: text})
	}
	return origins
}

func TestCORS(t *testing.T) {
	shop := config.CORS{Origins: named("https://shop.example.com")}
	full := config.CORS{
		Origins: named("https://shop.example.com"), Methods: []string{"GET", "PUT"}, Headers: []string{"Authorization", "Content-Type"},
		ExposeHeaders: []string{"ETag", "Link"}, Credentials: true, MaxAge: config.Duration(600e9),
	}
	every := config.CORS{Origins: named("*"), Headers: []string{"*"}}
	const origin, preflight = "|Origin: https://shop.example.com", "|Origin: https://shop.example.com|Access-Control-Request-Method: "
	const allowed, vary, varies = "Access-Control-Allow-Origin: https://shop.example.com", "Vary: Origin", "Vary: Origin|Vary: Access-Control-Request-Method, Access-Control-Request-Headers"
	for _, tt := range []struct {
		name    string
		cfg     config.CORS
		request string
		outcome string
		fields  string
	}{
		{"no origin", shop, "GET", "passes", vary},
		{"allowed", shop, "GET" + origin, "passes", vary + "|" + allowed},
		{"allowed to read with credentials", full, "GET" + origin, "passes", vary + "|" + allowed + "|Access-Control-Allow-Credentials: true|Access-Control-Expose-Headers: ETag, Link"},
		{"another", shop, "GET|Origin: https://evil.example", "origin_not_allowed", vary},
		{"another port", shop, "GET|Origin: https://shop.example.com:444", "origin_not_allowed", vary},
		{"default port", shop, "GET|Origin: https://shop.example.com:443", "origin_not_allowed", vary},
		{"another scheme", shop, "GET|Origin: http://shop.example.com", "origin_not_allowed", vary},
		{"capitals", shop, "GET|Origin: https://Shop.example.com", "origin_not_allowed", vary},
		{"longer", shop, "GET|Origin: https://shop.example.com.evil.example", "origin_not_allowed", vary},
		{"with a path", shop, "GET|Origin: https://shop.example.com/", "origin_not_allowed", vary},
		{"null", shop, "GET|Origin: null", "origin_not_allowed", vary},
		{"empty", shop, "GET|Origin:", "origin_not_allowed", vary},
		{"two", shop, "GET" + origin + origin, "origin_not_allowed", vary},
		{"a list", shop, "GET" + origin + " https://evil.example", "origin_not_allowed", vary},
		{"same", shop, "POST|Origin: http://api.example.com", "passes", vary},
		{"same, with ports", shop, "POST|Origin: http://api.example.com|Host: API.example.com:80", "passes", vary},
		{"same, with a port", shop, "POST|Origin: http://api.example.com:81|Host: api.example.com:81", "passes", vary},
		{"same host, other port", shop, "POST|Origin: http://api.example.com:81", "origin_not_allowed", vary},
		{"same host, other scheme", shop, "POST|Origin: https://api.example.com", "origin_not_allowed", vary},
		{"everybody", every, "GET|Origin: https://evil.example", "passes", "Access-Control-Allow-Origin: *"},
		{"everybody, null", every, "GET|Origin: null", "passes", "Access-Control-Allow-Origin: *"},
		{"null that is said", config.CORS{Origins: named("null")}, "GET|Origin: null", "passes", vary + "|Access-Control-Allow-Origin: null"},
		{"method", full, "DELETE" + origin, "method_not_allowed", vary},
		{"GET means HEAD", full, "HEAD" + origin, "passes", vary + "|" + allowed + "|Access-Control-Allow-Credentials: true|Access-Control-Expose-Headers: ETag, Link"},

		{"preflight", shop, "OPTIONS" + preflight + "PUT", "answers", varies + "|" + allowed + "|Access-Control-Allow-Methods: PUT"},
		{"preflight of everything", full, "OPTIONS" + preflight + "PUT|Access-Control-Request-Headers: authorization,content-type", "answers", varies + "|" + allowed +
			"|Access-Control-Allow-Credentials: true|Access-Control-Allow-Methods: GET, PUT, HEAD|Access-Control-Allow-Headers: Authorization, Content-Type|Access-Control-Max-Age: 600"},
		{
			"preflight of everybody", every, "OPTIONS" + preflight + "PUT|Access-Control-Request-Headers: x-a, x-b", "answers",
			"Vary: Access-Control-Request-Method, Access-Control-Request-Headers|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: PUT|Access-Control-Allow-Headers: x-a, x-b",
		},
		{"preflight of another", full, "OPTIONS|Origin: https://evil.example|Access-Control-Request-Method: PUT", "origin_not_allowed", vary},
		{"preflight of a method", full, "OPTIONS" + preflight + "DELETE", "method_not_allowed", varies},
		{"preflight of a method in small letters", full, "OPTIONS" + preflight + "put", "method_not_allowed", varies},
		{"preflight of a header", full, "OPTIONS" + preflight + "PUT|Access-Control-Request-Headers: x-secret", "header_not_allowed", varies},
		{"preflight of one header too many", full, "OPTIONS" + preflight + "PUT|Access-Control-Request-Headers: authorization, x-secret", "header_not_allowed", varies},
		{"preflight of a header, none is named", shop, "OPTIONS" + preflight + "PUT|Access-Control-Request-Headers: x-secret", "header_not_allowed", varies},
		{"preflight of no header's name", every, "OPTIONS" + preflight + "PUT|Access-Control-Request-Headers: x a", "header_not_allowed", "Vary: Access-Control-Request-Method, Access-Control-Request-Headers"},
		{"OPTIONS that is no preflight", shop, "OPTIONS" + origin, "passes", vary + "|" + allowed},
		{"GET that looks like a preflight", shop, "GET" + preflight + "PUT", "passes", vary + "|" + allowed},
		{"preflight of no origin", shop, "OPTIONS|Access-Control-Request-Method: PUT", "passes", vary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outcome, fields := ask(t, tt.cfg, nil, request(t, tt.request))
			if outcome != tt.outcome {
				t.Errorf("it %s, want %s", outcome, tt.outcome)
			}
			if diff := cmp.Diff(tt.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// Wildcards and patterns take in what they say, however an origin is dressed up.
func TestOrigins(t *testing.T) {
	below := config.CORS{Origins: named("https://*.example.com", "http://*.localhost:3000", "capacitor://localhost")}
	pattern := config.CORS{Origins: []config.Origin{{Pattern: `https://(a|b)\.example\.com|http://c`}}}
	for _, tt := range []struct {
		cfg    config.CORS
		origin string
		want   bool
	}{
		{below, "https://a.example.com", true},
		{below, "https://a-1_b.c.example.com", true},
		{below, "http://a.localhost:3000", true},
		{below, "capacitor://localhost", true},
		{below, "https://example.com", false},
		{below, "https://.example.com", false},
		{below, "https://a..example.com", false},
		{below, "https://.a.example.com", false},
		{below, "https://aexample.com", false},
		{below, "https://evil.example/.example.com", false},
		{below, "https://evil.example?.example.com", false},
		{below, "https://evil.example#.example.com", false},
		{below, "https://evil.example\\.example.com", false},
		{below, "https://evil.example:80.example.com", false},
		{below, "https://u@a.example.com", false},
		{below, "https://a.example.com:444", false},
		{below, "https://a.example.com.evil.example", false},
		{below, "https://A.example.com", false},
		{below, "https://a b.example.com", false},
		{below, "https://\x80.example.com", false},
		{below, "http://a.example.com", false},
		{below, "http://a.localhost", false},
		{below, "https://" + strings.Repeat("a", 600) + ".example.com", false},
		{pattern, "https://a.example.com", true},
		{pattern, "http://c", true},
		{pattern, "https://a.example.com.evil.example", false},
		{pattern, "xhttps://a.example.com", false},
		{pattern, "http://c\nhttps://evil.example", false},
	} {
		x := request(t, "GET")
		x.Head.Add("Origin", tt.origin)
		outcome, _ := ask(t, tt.cfg, nil, x)
		if got := outcome == "passes"; got != tt.want {
			t.Errorf("%q: %s, want %v", tt.origin, outcome, tt.want)
		}
	}
}

// An origin that only an application names is this application's.
func TestApplicationsOrigins(t *testing.T) {
	api := &config.API{Name: "orders", Version: "1"}
	owners := cors.OwnersFor(api, []config.Application{
		{Name: "shop", APIs: []string{"orders"}, Origins: []string{"https://shop.example", "https://both.example"}},
		{Name: "blog", APIs: []string{"orders/1"}, Origins: []string{"https://blog.example", "https://both.example"}},
		{Name: "old", APIs: []string{"orders"}, Suspended: true, Origins: []string{"https://old.example"}},
		{Name: "other", APIs: []string{"payments"}, Origins: []string{"https://other.example"}},
	})
	cfg := config.CORS{Origins: named("https://all.example")}
	outer, err := cors.New(&cfg, owners)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := cors.NewOwned(&cfg, owners)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		origin, application  string
		preflight, want, say bool
	}{
		{"https://shop.example", "shop", true, true, true},
		{"https://both.example", "shop", true, true, true},
		{"https://both.example", "blog", true, true, true},
		{"https://blog.example", "shop", true, false, false},
		{"https://shop.example", "", true, false, false},
		{"https://all.example", "blog", true, true, true},
		{"https://all.example", "", true, true, true},
		{"https://old.example", "old", false, false, false},
		{"https://other.example", "other", false, false, false},
		{"http://api.example.com", "blog", true, true, false},
		{"", "blog", true, true, false},
	} {
		origin := ""
		if tt.origin != "" {
			origin = "|Origin: " + tt.origin
		}
		x := request(t, "OPTIONS"+origin+"|Access-Control-Request-Method: GET")
		err := outer(answers)(x)
		if got := err == nil; got != tt.preflight {
			t.Errorf("%+v: preflight %v", tt, err)
		}
		x = request(t, "GET"+origin)
		err = outer(func(x *exchange.Exchange) error {
			x.Caller.Application.Name = tt.application
			return inner(answers)(x)
		})(x)
		if got := err == nil; got != tt.want || err != nil && !errors.Is(err, problem.OriginNotAllowed) {
			t.Errorf("%+v: %v", tt, err)
		}
		if got := x.Fields.Get("Access-Control-Allow-Origin") != nil; got != tt.say {
			t.Errorf("%+v: fields %s", tt, text(&x.Fields))
		}
	}
	if rule, err := cors.NewOwned(&cfg, cors.Owners{}); rule != nil || err != nil {
		t.Errorf("without applications there is a rule, %v", err)
	}
}

// A page must be able to read why its request has failed.
func TestProblemsCanBeRead(t *testing.T) {
	policy, err := cors.New(&config.CORS{Origins: named("https://shop.example.com")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := request(t, "GET|Origin: https://shop.example.com")
	err = policy(func(*exchange.Exchange) error { return problem.InvalidToken })(x)
	if !errors.Is(err, problem.InvalidToken) || text(&x.Fields) != "Vary: Origin|Access-Control-Allow-Origin: https://shop.example.com" {
		t.Errorf("%v, fields %s", err, text(&x.Fields))
	}
}

func TestPatternsAreCompiled(t *testing.T) {
	_, err := cors.New(&config.CORS{Origins: []config.Origin{{Text: "*"}, {Pattern: "("}}}, nil)
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || cmp.Diff([]any{"origins", 1, "pattern"}, faults[0].Path) != "" {
		t.Errorf("faults %v", err)
	}
}
