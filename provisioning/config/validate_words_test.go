package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/provisioning/config"
)

func TestNearest(t *testing.T) {
	words := []string{"http", "https", "header_size", "connections", "idle_timeout"}
	for word, want := range map[string]string{
		"htps": "https", "htpp": "http", "HTTP": "http", "conections": "connections", "header-size": "header_size", "idle_timout": "idle_timeout",
		"x": "", "ftp": "", "weather": "", "": "",
	} {
		if got := config.Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestFaultText(t *testing.T) {
	faults := config.Faults{
		{Path: []any{"apis", 0, "hosts", 12}, Message: "is wrong"},
		{Path: []any{"apis", 1, "name"}, Message: "stands twice", Also: []any{"apis", 0, "name"}},
		{Message: "is empty"},
	}
	want := "apis[0].hosts[12]: is wrong\napis[1].name: stands twice (see apis[0].name)\n: is empty"
	if got := faults.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The defaults are those of the grammar.
func TestDefault(t *testing.T) {
	c := config.Default()
	for name, ok := range map[string]bool{
		"ports":        c.Ports == config.Ports{HTTP: ":4485"},
		"api_endpoint": *c.APIEndpoint.BasePath == "/gateway",
		"admin_api":    c.AdminAPI.Listen == "127.0.0.1:9485" && c.AdminAPI.AdminPath == "/rest/microgateway" && !c.AdminAPI.OnTrafficPort,
		"logging":      c.Logging.Level == "info" && c.Logging.Access == config.AccessAll && c.Logging.Format == "json" && !c.Logging.Query,
		"shutdown":     c.Shutdown == config.Shutdown{Delay: config.None, Grace: config.Duration(30 * time.Second)},
		"tokens":       c.Tokens.ClockSkew == config.Duration(30*time.Second) && c.Tokens.Cache == config.TokenCache{Entries: 100000, Size: 64 << 20} && c.Tokens.Verifications > 0,
		"limits": c.Limits == config.Limits{
			HeaderSize: 16 << 10, BufferedBody: 4 << 20, BodyMemory: 256 << 20, Connections: 10000, HeaderTimeout: config.Duration(5 * time.Second),
			BodyTimeout: config.Duration(10 * time.Second), BodyRate: 100, AnswerRate: 100, IdleTimeout: config.Duration(time.Minute),
		},
	} {
		if !ok {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if faults := c.Validate(); len(faults) > 0 {
		t.Errorf("the default configuration is at fault: %v", faults)
	}
}

func TestLimit(t *testing.T) {
	if got := config.None.Limit(); got != 0 {
		t.Errorf("None.Limit() = %v", got)
	}
	if got := config.Duration(time.Second).Limit(); got != time.Second {
		t.Errorf("1s.Limit() = %v", got)
	}
	if config.NoSize.Limit() != 0 || config.Size(5).Limit() != 5 {
		t.Errorf("NoSize.Limit() = %d, 5.Limit() = %d", config.NoSize.Limit(), config.Size(5).Limit())
	}
}

func TestSecret(t *testing.T) {
	s := config.NewSecret("value")
	if s.IsZero() || !config.NewSecret("").IsZero() {
		t.Error("IsZero is wrong")
	}
	if !s.Equal("value") || s.Equal("valu") || s.Equal("") {
		t.Error("Equal is wrong")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T %v"} {
		if text := fmt.Sprintf(verb, s, s); strings.Contains(text, "value") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// A path is judged as the router compares it, in every place that holds one.
func TestPaths(t *testing.T) {
	tests := []struct {
		path                     string
		base, template, toTarget bool
	}{
		{"/a", true, true, true},
		{"/a/b-c.d_e~f", true, true, true},
		{"/a%20b", true, true, true},
		{"/a:b@c;d=1,2", true, true, true},
		{"/", true, true, true},
		{"/a/", true, true, true}, // of a base path the slash is dropped
		{"/{id}", false, true, false},
		{"/{id}/**", false, true, false},
		{"/**", false, true, false},
		{"/a//b", false, true, false}, // a request's empty segments are kept
		{"/a%2fb", false, false, false},
		{"/a%2", false, false, false},
		{"/a%zz", false, false, false},
		{"/a%00", false, false, false},
		{"/a%5C", false, false, false},
		{"/%7E", false, false, false},
		{"/a b", false, false, false},
		{"/./a", false, false, false},
		{"/a/..", false, false, false},
		{"/x{id}", false, false, false},
		{"/{}", false, false, false},
		{"/{a b}", false, false, false},
		{"/**/a", false, false, false},
		{"/*", false, false, false},
	}
	for _, test := range tests {
		for place, want := range map[string]bool{"base_path": test.base, "resources": test.template, "targets": test.toTarget} {
			api := config.API{Name: "a", Policies: config.Policies{Identify: &config.Identify{None: true}}}
			target := "http://a"
			switch place {
			case "base_path":
				api.BasePath = test.path
			case "resources":
				api.Resources = []config.Resource{{Path: test.path}}
			case "targets":
				target += test.path
			}
			api.Upstream.Targets = []config.Target{{URL: target}}
			c := &config.Config{APIs: []config.API{api}}
			c.SetDefaults()
			if faults := c.Validate(); (len(faults) == 0) != want {
				t.Errorf("%s %q is right: %t, want %t (%v)", place, test.path, !want, want, faults)
			}
		}
	}
}
