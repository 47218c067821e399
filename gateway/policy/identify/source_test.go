package identify_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/introspect"
	"postern/provisioning/config"
)

// asked is what an exchange with a query is identified by.
func asked(t testing.TB, query string, lines []string) *exchange.Exchange {
	t.Helper()
	x := request(t, lines...)
	if query != "-" {
		x.HTTP.Request.Header.SetRequestURI("/a?" + query)
		x.Query = []byte(query)
	}
	return x
}

// target is where the exchange would be forwarded.
func target(x *exchange.Exchange) string {
	if x.Query == nil {
		return "/a"
	}
	return "/a?" + string(x.Query)
}

func TestTokenSources(t *testing.T) {
	own := config.TokenSource{Header: "X-Token", Scheme: config.NoScheme}
	scheme := config.TokenSource{Header: "X-Token", Scheme: "JWT"}
	cookie := config.TokenSource{Cookie: "session"}
	query := config.TokenSource{Query: "access_token"}
	every := config.TokenSource{Header: "Authorization", Scheme: "Bearer", Cookie: "session", Query: "access_token"}
	several := problem.BadRequest
	for _, tt := range []struct {
		name   string
		source config.TokenSource
		query  string
		lines  []string
		err    error
		want   string // forwarded, after the target
	}{
		{"own header", own, "-", []string{"X-Token: t", "Accept: x"}, nil, "/a\nAccept: x\r\n"},
		{"own header in another case", own, "-", []string{"x-token:  t "}, nil, "/a\n"},
		{"own header twice", own, "-", []string{"X-Token: t", "x-token: t"}, several, ""},
		{"own header and its twin", own, "-", []string{"X-Token: t", "X_Token: u"}, nil, "/a\n"},
		{"twin alone", own, "-", []string{"X_Token: t"}, problem.TokenMissing, ""},
		{"own header, empty", own, "-", []string{"X-Token:"}, problem.TokenMissing, ""},
		{"own header, authorization goes too", own, "-", []string{"X-Token: t", "Authorization: Basic YTpi"}, nil, "/a\n"},
		{"authorization is no source", own, "-", []string{"Authorization: Bearer t"}, problem.TokenMissing, ""},
		{"own header that Connection names", own, "-", []string{"X-Token: t", "Connection: X-Token"}, problem.TokenMissing, ""},
		{"scheme", scheme, "-", []string{"X-Token: jwt t"}, nil, "/a\n"},
		{"other scheme", scheme, "-", []string{"X-Token: Bearer t"}, problem.TokenMissing, ""},
		{"cookie", cookie, "-", []string{"Cookie: session=t"}, nil, "/a\n"},
		{"cookie, first", cookie, "-", []string{"Cookie: session=t; a=1;b=2 "}, nil, "/a\nCookie: a=1;b=2\r\n"},
		{"cookie, between", cookie, "-", []string{"Cookie: a=1;  session=t ;b=\"2\";; c"}, nil, "/a\nCookie: a=1;b=\"2\";; c\r\n"},
		{"cookie, last", cookie, "-", []string{"Cookie: a=1; session=t"}, nil, "/a\nCookie: a=1\r\n"},
		{"cookie, of two fields", cookie, "-", []string{"Cookie: a=1", "Accept: x", "cookie: session=t"}, nil, "/a\nCookie: a=1\r\nAccept: x\r\n"},
		{"cookie twice", cookie, "-", []string{"Cookie: session=t; session=t"}, several, ""},
		{"cookie in two fields", cookie, "-", []string{"Cookie: session=t", "Cookie: session=u"}, several, ""},
		{"cookie and an empty one", cookie, "-", []string{"Cookie: session=; session=t; a=1"}, nil, "/a\nCookie: a=1\r\n"},
		{"cookie in another case", cookie, "-", []string{"Cookie: Session=t"}, problem.TokenMissing, ""},
		{"cookie with more to its name", cookie, "-", []string{"Cookie: xsession=t; session2=t"}, problem.TokenMissing, ""},
		{"cookie, empty", cookie, "-", []string{"Cookie: session="}, problem.TokenMissing, ""},
		{"query", query, "access_token=t", nil, nil, "/a\n"},
		{"query, first", query, "access_token=t&b=%2f&&c", nil, nil, "/a?b=%2f&&c\n"},
		{"query, between", query, "a=1&access_token=t&b=2", nil, nil, "/a?a=1&b=2\n"},
		{"query, last", query, "a&access_token=t", nil, nil, "/a?a\n"},
		{"query, among empty ones", query, "&access_token=t&", nil, nil, "/a?&\n"},
		{"query, escaped", query, "access%5ftoken=%74&%61ccess_tokens=1", nil, nil, "/a?%61ccess_tokens=1\n"},
		{"query twice", query, "access_token=t&access_token=t", nil, several, ""},
		{"query twice, once escaped", query, "access_token=t&%61ccess_token=t", nil, several, ""},
		{"query, empty", query, "access_token=", nil, problem.TokenMissing, ""},
		{"query, without a value", query, "access_token", nil, problem.TokenMissing, ""},
		{"query, broken escape", query, "access_token=%7", nil, problem.InvalidToken, ""},
		{"query in another case", query, "Access_Token=t", nil, problem.TokenMissing, ""},
		{"any, header", every, "a=1", []string{"Authorization: Bearer t", "Cookie: a=1"}, nil, "/a?a=1\nCookie: a=1\r\n"},
		{"any, cookie", every, "a=1", []string{"Cookie: session=t"}, nil, "/a?a=1\n"},
		{"any, cookie beside another credential", every, "a=1", []string{"Authorization: Basic YTpi", "Cookie: session=t"}, nil, "/a?a=1\n"},
		{"any, query", every, "access_token=t", nil, nil, "/a\n"},
		{"header and cookie", every, "-", []string{"Authorization: Bearer t", "Cookie: session=t"}, several, ""},
		{"header and query", every, "access_token=t", []string{"Authorization: Bearer t"}, several, ""},
		{"cookie and query", every, "access_token=t", []string{"Cookie: session=t"}, several, ""},
		{"header, and an empty cookie", every, "-", []string{"Authorization: Bearer t", "Cookie: session="}, nil, "/a\n"},
		{"nothing", every, "-", nil, problem.TokenMissing, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tokens := fake{"t": &introspect.Token{AuthServer: "corp"}}
			policy := believe(&config.Identify{Token: &tt.source}, tokens, unchecked)
			x := asked(t, tt.query, tt.lines)
			err := policy(func(*exchange.Exchange) error { return nil })(x)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, target(x)+"\n"+forwarded(x)); diff != "" {
				t.Errorf("forwarded (-want +got):\n%s", diff)
			}
			if got := string(x.HTTP.Request.Header.RequestURI()); tt.query != "-" && got != target(x) {
				t.Errorf("the request shows %q, forwarded is %q", got, target(x))
			}
			if cookies := x.HTTP.Request.Header.Peek("Cookie"); bytes.Contains(cookies, []byte("session=")) {
				t.Errorf("the request shows %q", cookies)
			}
		})
	}
}

func TestSeveralTokensAreChallenged(t *testing.T) {
	policy := believe(&config.Identify{Token: &config.TokenSource{Header: "Authorization", Scheme: "Bearer", Cookie: "session"}}, fake{}, unchecked)
	x := request(t, "Authorization: Bearer t", "Cookie: session=t")
	err := policy(func(*exchange.Exchange) error { return nil })(x)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != 400 || p.Challenge != `Bearer realm="postern", error="invalid_request"` || x.Reason == "" {
		t.Errorf("%+v, reason %q", p, x.Reason)
	}
}

// Nobody is let in who presents something, and nobody's copies of our headers
// are let through.
func TestAnonymous(t *testing.T) {
	source := &config.TokenSource{Header: "X-Token", Scheme: config.NoScheme, Cookie: "session", Query: "access_token"}
	for _, tt := range []struct {
		name, query string
		lines       []string
		err         error
	}{
		{"nothing", "-", nil, nil},
		{"other things", "a=1", []string{"Cookie: a=1", "Accept: x"}, nil},
		{"what some servers read as the header", "-", []string{"X_Token: root", "x.token: root"}, nil},
		{"another credential", "-", []string{"Authorization: Basic YTpi"}, problem.TokenMissing},
		{"an empty field", "-", []string{"Authorization:"}, problem.TokenMissing},
		{"an empty header", "-", []string{"X-Token:"}, problem.TokenMissing},
		{"an empty cookie", "-", []string{"Cookie: session"}, problem.TokenMissing},
		{"an empty parameter", "access_token", nil, problem.TokenMissing},
		{"a bad token", "-", []string{"X-Token: bad"}, problem.InvalidToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &config.Identify{
				Anonymous: true, Token: source, Applications: "registered",
				ClaimHeaders: []config.ClaimHeader{{Header: "X-User", Claim: "sub"}}, CallerHeaders: []config.ClaimHeader{{Header: "X-App", Claim: "application.name"}},
			}
			x := asked(t, tt.query, append(tt.lines, "X-User: root", "x_user: root", "X_App: root"))
			err := believe(cfg, fake{}, unchecked)(func(*exchange.Exchange) error { return nil })(x)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err == nil && (!x.Caller.Anonymous || strings.Contains(forwarded(x), "root")) {
				t.Errorf("caller %+v, forwarded %q", x.Caller, forwarded(x))
			}
		})
	}
}

// FuzzCookies compares with taking a list of cookies apart and putting it
// together again.
func FuzzCookies(f *testing.F) {
	for _, seed := range []string{"session=t", "a=1; session=t; b", ";;session=t", "session=t;session=", " session = t ;x", "a=session=t"} {
		f.Add(seed)
	}
	policy := believe(&config.Identify{Token: &config.TokenSource{Cookie: "session"}}, fake{"t": &introspect.Token{AuthServer: "corp"}}, unchecked)
	f.Fuzz(func(t *testing.T, value string) {
		value = strings.Trim(value, " \t")
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || !isUTF8(value) {
			return
		}
		var rest, tokens []string
		for _, pair := range strings.Split(value, ";") {
			name, token, _ := strings.Cut(pair, "=")
			if strings.Trim(name, " \t") != "session" {
				rest = append(rest, pair)
			} else if token = strings.Trim(token, " \t"); token != "" {
				tokens = append(tokens, token)
			}
		}
		x := request(t, "Cookie: "+value)
		err := policy(func(*exchange.Exchange) error { return nil })(x)
		if want := slices.Equal(tokens, []string{"t"}); want != (err == nil) {
			t.Fatalf("%q: %v, want pass %v", value, err, want)
		}
		if err != nil {
			return
		}
		want := strings.TrimLeft(strings.Join(rest, ";"), " \t")
		if got := strings.TrimSuffix(strings.TrimPrefix(forwarded(x), "Cookie: "), "\r\n"); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	})
}

func isUTF8(text string) bool { return strings.ToValidUTF8(text, "") == text }
