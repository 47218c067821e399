package identify_test

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"postern/provisioning/config"
)

func TestKeySources(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		lines       []string
		source      *config.TokenSource
		want        string // forwarded, or a code
	}{
		{"header", "-", []string{"X-Gateway-APIKey: shop-key", "x_gateway_apikey: other", "A: b"}, nil, "/a\nA: b\r\n"},
		{"header, others' credentials stay", "-", []string{"X-Gateway-APIKey: shop-key", "Authorization: Bearer t"}, nil, "/a\nAuthorization: Bearer t\r\n"},
		{"query is not asked for", "APIKey=shop-key", nil, nil, "unidentified"},
		{"query", "a=1&APIKey=shop-key&b=2", []string{"A: b"}, &config.TokenSource{Query: "APIKey"}, "/a?a=1&b=2\nA: b\r\n"},
		{"query, its name escaped", "%41PIKey=shop%2dkey&b=2", nil, &config.TokenSource{Query: "APIKey"}, "/a?b=2\n"},
		{"query in another case", "apikey=shop-key", nil, &config.TokenSource{Query: "APIKey"}, "unidentified"},
		{"query twice", "APIKey=shop-key&APIKey=shop-key", nil, &config.TokenSource{Query: "APIKey"}, "bad_request"},
		{"query, twice escaped", "API%254Bey=shop-key", nil, &config.TokenSource{Query: "APIKey"}, "unidentified"},
		{"header and query", "APIKey=shop-key", []string{"X-Gateway-APIKey: shop-key"}, &config.TokenSource{Header: "X-Gateway-APIKey", Query: "APIKey"}, "bad_request"},
		{"header, and an empty query", "APIKey=&a", []string{"X-Gateway-APIKey: shop-key"}, &config.TokenSource{Header: "X-Gateway-APIKey", Query: "APIKey"}, "/a?a\n"},
		{"cookie", "-", []string{"Cookie: a=1; k=shop-key"}, &config.TokenSource{Cookie: "k"}, "/a\nCookie: a=1\r\n"},
		{"scheme", "-", []string{"Authorization: ApiKey shop-key"}, &config.TokenSource{Header: "Authorization", Scheme: "ApiKey"}, "/a\n"},
		{"another scheme", "-", []string{"Authorization: Bearer shop-key"}, &config.TokenSource{Header: "Authorization", Scheme: "ApiKey"}, "unidentified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := asked(t, tt.query, tt.lines)
			err := asks(t, &config.Identify{By: []string{"api_key"}, APIKey: tt.source})(pass)(x)
			got := target(x) + "\n" + forwarded(x)
			if err != nil {
				got = told(x, err)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzKeyInQuery compares with taking the query apart and putting it together
// again: a key is found wherever a reader finds it, and nothing of it is left.
func FuzzKeyInQuery(f *testing.F) {
	for _, seed := range []string{"APIKey=shop-key", "a=1&%41PIKey=shop-key&b", "&&APIKey=&APIKey=shop%2dkey", "APIKey", "apikey=shop-key", "APIKey=shop-key;b=1", "x=APIKey=shop-key"} {
		f.Add(seed)
	}
	policy := asks(f, &config.Identify{By: []string{"api_key"}, APIKey: &config.TokenSource{Query: "APIKey"}})
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' || r == '?' }) || !isUTF8(query) || query == "-" {
			return
		}
		var rest, keys []string
		for _, parameter := range strings.Split(query, "&") {
			name, key, _ := strings.Cut(parameter, "=")
			if plain, err := url.PathUnescape(name); err != nil || plain != "APIKey" {
				rest = append(rest, parameter)
			} else if key != "" {
				if plain, err := url.PathUnescape(key); err == nil {
					key = plain
				}
				keys = append(keys, key)
			}
		}
		x := asked(t, query, nil)
		err := policy(pass)(x)
		if want := slices.Equal(keys, []string{"shop-key"}); want != (err == nil) {
			t.Fatalf("%q: %v, want pass %v", query, err, want)
		}
		if err == nil && string(x.Query) != strings.Join(rest, "&") {
			t.Errorf("%q became %q, want %q", query, x.Query, strings.Join(rest, "&"))
		}
	})
}

func BenchmarkWays(b *testing.B) {
	for _, bb := range []struct {
		name string
		cfg  config.Identify
	}{
		{"key", config.Identify{By: []string{"api_key"}}},
		{"address", config.Identify{By: []string{"ip"}}},
		{"token or key or address", config.Identify{By: []string{"jwt", "api_key", "ip"}}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			h := asks(b, &bb.cfg)(pass)
			next := repeated("X-Gateway-APIKey: shop-key")
			b.ReportAllocs()
			for b.Loop() {
				x := next()
				x.Address = netip.AddrFrom4([4]byte{192, 0, 2, 1})
				if err := h(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
