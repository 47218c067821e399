package introspect_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// TestRemoteSurvivesReload: answers are kept while the section stays the same.
func TestRemoteSurvivesReload(t *testing.T) {
	a := saying(`{"active":true}`)
	server := remoteServer(nil)
	set, err := introspect.NewOver(a, []config.AuthServer{server}, defaults, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*config.AuthServer)
		asked  int
	}{
		{"first", func(*config.AuthServer) {}, 1},
		{"nothing changed", func(*config.AuthServer) {}, 1},
		{"audience changed", func(s *config.AuthServer) { s.Audience = &config.Audience{Any: []string{"x"}} }, 1},
		{"endpoint changed", func(s *config.AuthServer) {
			changed := *s.Remote
			changed.Endpoint += "2"
			s.Remote = &changed
		}, 2},
	} {
		tt.change(&server)
		if set, err = introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults}, set, zap.NewNop()); err != nil {
			t.Fatal(err)
		}
		view, err := set.For(introspect.Accepts{Servers: []string{"corp"}, Opaque: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := judge(view, "t"); err != nil || a.questions() != tt.asked {
			t.Errorf("%s: %v, %d questions, want %d", tt.name, err, a.questions(), tt.asked)
		}
	}
}

func TestRemoteStatus(t *testing.T) {
	a := saying(`{"active":true}`)
	server := remoteServer(func(r *config.RemoteIntrospection) { r.Endpoint += "?key=hunter2" })
	set, err := introspect.NewOver(a, []config.AuthServer{server}, defaults, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	view, err := set.For(introspect.Accepts{Servers: []string{"corp"}, Opaque: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"active":true}`, `{"active":false}`, `nonsense`} {
		a.change(func(a *authority) { a.answer = func(string) (int, string) { return 200, body } })
		_ = judge(view, "token-"+fmt.Sprint(len(body))) // counted, whatever it is
	}
	status := set.Status()[0]
	r := status.Remote
	if r == nil || r.Asked != 3 || r.Failed != 1 || r.Inactive != 1 || r.LastError == "" || r.LastFailed.IsZero() || r.Cache.Entries != 1 {
		t.Fatalf("%+v", r)
	}
	if !status.Usable || status.Source != "" || len(status.Keys) != 0 {
		t.Errorf("%+v", status)
	}
	text, err := json.Marshal(status)
	if err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "token-") {
		t.Errorf("%s %v", text, err)
	}
}
