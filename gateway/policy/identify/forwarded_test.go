package identify_test

import (
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/policy/identify"
	"postern/provisioning/config"
)

// What a caller presents is taken off, but for what its upstream shall see.
func TestForwardedCredentials(t *testing.T) {
	bearer := config.Identify{By: []string{"jwt"}, Token: &config.TokenSource{Header: "Authorization", Scheme: "Bearer"}}
	elsewhere := config.Identify{By: []string{"jwt"}, Token: &config.TokenSource{Header: "X-Token", Scheme: config.NoScheme}}
	bare := config.Identify{By: []string{"jwt"}, Token: &config.TokenSource{Header: "Authorization", Scheme: config.NoScheme}}
	key := config.Identify{By: []string{"api_key"}, APIKey: &config.TokenSource{Header: "X-Key", Scheme: config.NoScheme}}
	inAuthorization := config.Identify{By: []string{"api_key"}, APIKey: &config.TokenSource{Header: "Authorization", Scheme: "ApiKey"}}
	for _, tt := range []struct {
		name, forward string
		levels        []*config.Identify
		fields, want  string
	}{
		{"nothing", "", []*config.Identify{&bearer}, "Authorization: Bearer a|Accept: b", "Accept: b"},
		{"a token", "forward_token", []*config.Identify{&bearer}, "Authorization: Bearer a|Accept: b", "Authorization: Bearer a|Accept: b"},
		{"a bound token", "forward_token", []*config.Identify{&bearer}, "Authorization: DPoP a|DPoP: b", "Authorization: DPoP a|DPoP: b"},
		{"no token", "forward_token", []*config.Identify{&bearer}, "Authorization: Basic a", ""},
		{"a token and no key", "forward_token", []*config.Identify{&bearer, &key}, "Authorization: Bearer a|X-Key: b|x_key: c", "Authorization: Bearer a"},
		{"a token where a key may stand", "forward_token", []*config.Identify{&bearer, &inAuthorization}, "Authorization: bearer a", "Authorization: bearer a"},
		{"a key where a token may stand", "forward_token", []*config.Identify{&bearer, &inAuthorization}, "Authorization: ApiKey a", ""},
		{"a token elsewhere", "forward_token", []*config.Identify{&elsewhere}, "X-Token: a|Authorization: Bearer b", "X-Token: a"},
		{"a token without a scheme", "forward_token", []*config.Identify{&bare}, "Authorization: a", "Authorization: a"},
		{"a user", "forward_basic", []*config.Identify{&bearer}, "Authorization: basic a|X-Key: b", "X-Key: b|Authorization: basic a"},
		{"no user", "forward_basic", []*config.Identify{&bearer, &key}, "Authorization: Bearer a|X-Key: b", ""},
		{"other words", "none", []*config.Identify{&bearer}, "Authorization: Bearer a", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := new(exchange.Exchange)
			for line := range strings.SplitSeq(tt.fields, "|") {
				name, value, _ := strings.Cut(line, ": ")
				x.Head.Add(name, value)
			}
			if err := identify.Conceal(tt.forward, nil, tt.levels...)(func(*exchange.Exchange) error { return nil })(x); err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSuffix(strings.ReplaceAll(string(x.Head.AppendForward(nil)), "\r\n", "|"), "|")
			if got != tt.want {
				t.Errorf("forwarded %q, want %q", got, tt.want)
			}
		})
	}
}
