package cors_test

import (
	"net/url"
	"strings"
	"testing"

	"postern/provisioning/config"
)

// Whatever an origin is, a browser of it would have come from below the host.
func FuzzWildcard(f *testing.F) {
	for _, seed := range []string{"https://a.example.com", "https://a.b.example.com", "https://evil.example/.example.com", "https://u@.example.com", "https://.example.com", "https://a.example.com:443", "null"} {
		f.Add(seed)
	}
	cfg := config.CORS{Origins: named("https://*.example.com")}
	f.Fuzz(func(t *testing.T, origin string) {
		x := request(t, "GET")
		x.Head.Add("Origin", origin)
		if outcome, _ := ask(t, cfg, nil, x); outcome != "passes" {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Path+u.RawQuery+u.Fragment != "" || !strings.HasSuffix(u.Hostname(), ".example.com") {
			t.Errorf("%q passes (%v)", origin, err)
		}
	})
}

// A list of fields is allowed only when each of them is.
func FuzzRequestHeaders(f *testing.F) {
	for _, seed := range []string{"authorization", "authorization, content-type", ",,", "a, authorization", "authorization\x00", "AUTHORIZATION ,\tcontent-type"} {
		f.Add(seed)
	}
	cfg := config.CORS{Origins: named("https://a.example"), Headers: []string{"Authorization", "Content-Type"}}
	f.Fuzz(func(t *testing.T, list string) {
		x := request(t, "OPTIONS|Origin: https://a.example|Access-Control-Request-Method: PUT")
		x.Head.Add("Access-Control-Request-Headers", list)
		want := "answers"
		for name := range strings.SplitSeq(list, ",") {
			name = strings.Trim(name, " \t")
			if name != "" && !equalASCII(name, "authorization") && !equalASCII(name, "content-type") {
				want = "header_not_allowed"
			}
		}
		if outcome, _ := ask(t, cfg, nil, x); outcome != want {
			t.Errorf("%q: it %s, want %s", list, outcome, want)
		}
	})
}

func equalASCII(a, lower string) bool {
	return len(a) == len(lower) && strings.ToLower(a) == lower
}
