package identify_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/crypto/bcrypt"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/password"
	"postern/gateway/policy/identify"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

const basicChallenge = `Basic realm="postern", charset="UTF-8"`

// passwords are alice's, who is in a group, and those of shop's and other's users,
// all of them s3same.
func passwords(t testing.TB, cfg config.Passwords, m *metrics.Instruments) identify.Passwords {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("s3same"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	byName, kept := map[string]*config.User{}, map[string]*password.Stored{}
	for _, name := range []string{"alice", "shopper", "other", "Ünï", "old"} {
		byName[name] = &config.User{Name: name, Groups: []string{"of " + name}}
		if kept[name], err = password.Parse(config.NewSecret(string(hash))); err != nil {
			t.Fatal(err)
		}
	}
	return identify.Passwords{Verifier: password.NewVerifier(cfg, m), Users: password.NewUsers(kept), ByName: byName}
}

// byBasic makes the policy of an API, at which shop and old are registered.
func byBasic(t testing.TB, cfg *config.Identify, limits config.Passwords) (exchange.Policy, *metrics.Instruments) {
	t.Helper()
	m := metrics.New(metrics.Sources{})
	api := &config.API{Name: "orders", Policies: config.Policies{Identify: cfg}}
	if cfg.By == nil {
		cfg.By = []string{"basic"}
	}
	registry := application.NewRegistry([]config.Application{
		{Name: "shop", ID: "1", APIs: []string{"orders"}, Identify: config.Identifiers{Basic: []config.BasicUser{{User: "shopper"}}, APIKeys: []config.APIKey{config.NewAPIKey("shop-key")}}},
		{Name: "old", ID: "2", APIs: []string{"orders"}, Suspended: true, Identify: config.Identifiers{Basic: []config.BasicUser{{User: "old"}}}},
		{Name: "elsewhere", ID: "3", Identify: config.Identifiers{Basic: []config.BasicUser{{User: "other"}}}},
	})
	rules := identify.Rules{
		API: api, Identify: cfg, Passwords: passwords(t, limits, m),
		Known: identify.Known{Registered: registry.Registered(api), All: registry.All()},
	}
	return chained(identify.New(rules, m), identify.Conceal("", nil, cfg)), m
}

func basicField(pair string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// try sends a request through the policy.
func try(t testing.TB, policy exchange.Policy, lines ...string) (x *exchange.Exchange, passed bool, err error) {
	t.Helper()
	x = request(t, lines...)
	x.Address = netip.MustParseAddr("192.0.2.1")
	err = policy(func(*exchange.Exchange) error { passed = true; return nil })(x)
	if passed != (err == nil) {
		t.Fatalf("passed %t with %v", passed, err)
	}
	return x, passed, err
}

func TestBasic(t *testing.T) {
	for _, tt := range []struct {
		name, applications, field string
		user, application, reason string // user "": refused
	}{
		{"a user", "none", basicField("alice:s3same"), "alice", "", ""},
		{"scheme in any case, more spaces", "none", "Authorization: bAsIc   " + base64.StdEncoding.EncodeToString([]byte("alice:s3same")), "alice", "", ""},
		{"a name in UTF-8", "none", basicField("Ünï:s3same"), "Ünï", "", ""},
		{"an application, too", "none", basicField("shopper:s3same"), "shopper", "shop", ""},
		{"an application elsewhere, too", "none", basicField("other:s3same"), "other", "elsewhere", ""},
		{"suspended", "none", basicField("old:s3same"), "old", "", ""},
		{"registered", "registered", basicField("shopper:s3same"), "shopper", "shop", ""},
		{"not registered", "registered", basicField("other:s3same"), "", "", `basic: the application is not registered for this API: "elsewhere"`},
		{"suspended, registered", "registered", basicField("old:s3same"), "", "", `basic: the application is suspended: "old"`},
		{"all", "all", basicField("other:s3same"), "other", "elsewhere", ""},
		{"no application", "all", basicField("alice:s3same"), "", "", "basic: no application is known by it"},
		{"wrong", "none", basicField("alice:s3samf"), "", "", "basic: user or password is wrong"},
		{"empty", "none", basicField("alice:"), "", "", "basic: user or password is wrong"},
		{"of another", "none", basicField("eve:s3same"), "", "", "basic: user or password is wrong"},
		{"a name in capitals", "none", basicField("Alice:s3same"), "", "", "basic: user or password is wrong"},
		{"a colon more", "none", basicField("alice:s3same:"), "", "", "basic: user or password is wrong"},
		{"no colon", "none", basicField("alice"), "", "", "basic: the credentials are malformed"},
		{"no user", "none", basicField(":s3same"), "", "", "basic: the credentials are malformed"},
		{"NUL", "none", basicField("alice:s3same\x00"), "", "", "basic: the credentials are malformed"},
		{"NUL and again", "none", basicField("alice:s3same\x00s3same"), "", "", "basic: the credentials are malformed"},
		{"a tab", "none", basicField("alice:s3same\t"), "", "", "basic: the credentials are malformed"},
		{"DEL", "none", basicField("alice\x7f:s3same"), "", "", "basic: the credentials are malformed"},
		{"C1", "none", basicField("alice\u0085:s3same"), "", "", "basic: the credentials are malformed"},
		{"Latin-1", "none", basicField("\xdcn\xef:s3same"), "", "", "basic: the credentials are malformed"},
		{"no base64", "none", "Authorization: Basic alice:s3same", "", "", "basic: the credentials are malformed"},
		{"no padding", "none", strings.TrimRight(basicField("alice:s3same0"), "="), "", "", "basic: the credentials are malformed"},
		{"bits after the end", "none", "Authorization: Basic YWxpY2U6czNzYW1lMDB=", "", "", "basic: the credentials are malformed"},
		{"URL's alphabet", "none", "Authorization: Basic YWxpY2U6Pz8_Pz8_", "", "", "basic: the credentials are malformed"},
		{"nothing after the scheme", "none", "Authorization: Basic", "", "", "basic: the credentials are malformed"},
		{"too long", "none", basicField("alice:" + strings.Repeat("a", 2000)), "", "", "basic: the credentials are malformed"},
		{"long", "none", basicField("alice:" + strings.Repeat("a", 1000)), "", "", "basic: user or password is wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy, _ := byBasic(t, &config.Identify{Applications: tt.applications}, config.Default().Passwords)
			x, passed, err := try(t, policy, tt.field)
			var p *problem.Problem
			switch {
			case passed != (tt.user != ""):
				t.Fatalf("%v, %s", err, x.Reason)
			case passed && (x.Caller.User != tt.user || x.Caller.Subject != tt.user || x.Caller.Groups[0] != "of "+tt.user || x.Caller.By != "basic" || x.Caller.Application.Name != tt.application):
				t.Errorf("caller %+v", x.Caller)
			case passed && forwarded(x) != "":
				t.Errorf("forwarded with %q", forwarded(x))
			case !passed && (!errors.As(err, &p) || !errors.Is(err, problem.InvalidCredential) || p.Challenge != basicChallenge || x.Reason != tt.reason):
				t.Errorf("%+v, reason %q", err, x.Reason)
			}
		})
	}
}

// Who shows nothing is asked, or passes as nobody where that is allowed; another
// scheme is not nothing.
func TestBasicMissing(t *testing.T) {
	policy, _ := byBasic(t, &config.Identify{Applications: "none"}, config.Default().Passwords)
	open, _ := byBasic(t, &config.Identify{Applications: "none", Anonymous: true}, config.Default().Passwords)
	for _, lines := range [][]string{nil, {"Authorization: Bearer abc"}, {"Authorization: Basics YWxpY2U6czNzYW1l"}} {
		_, _, err := try(t, policy, lines...)
		var p *problem.Problem
		if !errors.As(err, &p) || !errors.Is(err, problem.Unidentified) || p.Challenge != basicChallenge {
			t.Errorf("%q: %+v", lines, err)
		}
		x, passed, err := try(t, open, lines...)
		if passed != (lines == nil) || passed != x.Caller.Anonymous {
			t.Errorf("%q where nobody may call: %v", lines, err)
		}
	}
	if _, passed, _ := try(t, open, basicField("alice:wrong")); passed {
		t.Error("who shows a wrong password passes as nobody")
	}
}

// Whoever guesses is told the same whether the user exists or not, in the same
// pace.
func TestBasicGuessing(t *testing.T) {
	policy, m := byBasic(t, &config.Identify{Applications: "none"}, config.Default().Passwords)
	told := map[string]string{}
	for _, user := range []string{"alice", "nobody"} {
		for i := range 7 {
			x, _, err := try(t, policy, basicField(fmt.Sprint(user, ":", i)))
			var p *problem.Problem
			if !errors.As(err, &p) {
				t.Fatal(err)
			}
			told[user] += fmt.Sprintln(p.Status, p.Code, p.Title, p.Detail, p.Challenge, p.RetryAfter.Round(time.Minute), x.Reason[:24])
		}
	}
	if told["alice"] != told["nobody"] || strings.Count(told["alice"], "401 invalid_credential") != 5 || strings.Count(told["alice"], "429 too_many_requests") != 2 {
		t.Errorf("alice:\n%s\nnobody:\n%s", told["alice"], told["nobody"])
	}
	for outcome, want := range map[string]uint64{"wrong": 10, "pausing": 4, "accepted": 0} {
		if got := m.Credential("basic", outcome).Get(); got != want {
			t.Errorf("postern_credentials_total %s is %d, want %d", outcome, got, want)
		}
	}
	for outcome, want := range map[string]uint64{"wrong": 5, "unknown_user": 5, "pausing": 4} {
		if got := m.Password(outcome).Get(); got != want {
			t.Errorf("postern_passwords_total %s is %d, want %d", outcome, got, want)
		}
	}
}

// A password and an API key together: one of them is enough, but one that fails
// is refused; or both must be there, for the same application.
func TestBasicAndKey(t *testing.T) {
	user, key, otherKey := basicField("shopper:s3same"), "X-Key: shop-key", "X-Key: old-key"
	for _, tt := range []struct {
		combine string
		lines   []string
		by      string // "": refused
	}{
		{"or", []string{user}, "basic"},
		{"or", []string{key}, "api_key"},
		{"or", []string{user, key}, "basic"},
		{"or", []string{basicField("shopper:wrong"), key}, ""},
		{"or", []string{user, "X-Key: wrong"}, ""},
		{"or", nil, ""},
		{"and", []string{user, key}, "basic"},
		{"and", []string{user}, ""},
		{"and", []string{key}, ""},
		{"and", []string{user, otherKey}, ""},
		{"and", []string{basicField("shopper:wrong"), key}, ""},
	} {
		policy, _ := byBasic(t, &config.Identify{
			By: []string{"basic", "api_key"}, Combine: tt.combine, Applications: "registered", APIKey: &config.TokenSource{Header: "X-Key", Scheme: config.NoScheme},
		}, config.Default().Passwords)
		x, passed, err := try(t, policy, tt.lines...)
		if passed != (tt.by != "") || passed && (x.Caller.By != tt.by || x.Caller.Application.Name != "shop" || forwarded(x) != "") {
			t.Errorf("%s of %q: %v, caller %+v, forwarded %q", tt.combine, tt.lines, err, x.Caller, forwarded(x))
		}
	}
}

func FuzzBasic(f *testing.F) {
	f.Add([]byte("Basic YWxpY2U6czNzYW1l"))
	f.Add([]byte("basic  YWxpY2U6czNzYW1l "))
	f.Add([]byte("Basic YWxpY2U6czNzYW1l="))
	f.Add([]byte("Basic YWxpY2U="))
	f.Add([]byte("Basic OnMzc2FtZQ=="))
	f.Add([]byte("Bearer x"))
	limits := config.Default().Passwords
	limits.Pause = config.None
	policy, _ := byBasic(f, &config.Identify{Applications: "none"}, limits)
	f.Fuzz(func(t *testing.T, value []byte) {
		x := request(t)
		x.HTTP.Request.Header.SetBytesV("Authorization", value)
		passed := false
		err := policy(func(*exchange.Exchange) error { passed = true; return nil })(x)
		if passed == (err != nil) {
			t.Fatalf("passed %t with %v", passed, err)
		}
		scheme, rest, _ := bytes.Cut(value, []byte(" "))
		text, decodes := base64.StdEncoding.Strict().DecodeString(string(bytes.Trim(rest, " ")))
		user, shown, _ := strings.Cut(string(text), ":")
		good := strings.EqualFold(string(scheme), "basic") && decodes == nil && shown == "s3same" && slices.Contains([]string{"alice", "shopper", "other", "old", "Ünï"}, user)
		if passed != good && !bytes.ContainsAny(value, "\r\n") {
			t.Errorf("%q: passed %t", value, passed)
		}
	})
}

// replayBasic serves the same request of a known user again and again.
func replayBasic(t testing.TB) func() {
	policy, _ := byBasic(t, &config.Identify{Applications: "registered"}, config.Default().Passwords)
	h := policy(func(*exchange.Exchange) error { return nil })
	raw := "GET / HTTP/1.1\r\nHost: h\r\n" + basicField("shopper:s3same") + "\r\n\r\n"
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	text, br := strings.NewReader(raw), bufio.NewReader(nil)
	return func() {
		text.Reset(raw)
		br.Reset(text)
		x.Reset()
		x.Address = netip.MustParseAddr("192.0.2.1")
		_ = x.HTTP.Request.Header.Read(br) // as in request
		_, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
		if err := h(x); err != nil {
			t.Fatal(err, x.Reason)
		}
	}
}

func BenchmarkBasicCached(b *testing.B) {
	serve := replayBasic(b)
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}
