package introspect_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/introspect"
	"postern/provisioning/config"
)

// process is one run of a gateway with a folder in which it keeps key sets.
type process struct {
	*introspect.Set
	introspect.Introspector
	logs *observer.ObservedLogs
}

func begin(t *testing.T, folder string, p *idp, server config.AuthServer) *process {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	set, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults, Keep: folder, Transport: p}, nil, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	set.Start()
	synctest.Wait()
	return &process{set, viewOf(t, set, server), logs}
}

// only is the one file that is kept in a folder.
func only(t *testing.T, folder string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "keys", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("kept files %q, %v", found, err)
	}
	return found[0]
}

// TestKeptKeys: a gateway that starts while its issuer is away verifies by the
// keys that an earlier one has kept, as long as they are not too old.
func TestKeptKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "keep")
		p := newIDP(rsaSigner(0))
		p.etag = `"1"`
		server := withURL()
		server.Required = true
		server.Local.MaxStale = config.Duration(time.Hour)
		first := begin(t, folder, p, server)
		first.Close()
		if info, err := os.Stat(only(t, folder)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}

		time.Sleep(30 * time.Minute)
		p.change(func(p *idp) { p.status = 0 })
		second := begin(t, folder, p, server)
		if err := second.Ready(); err != nil {
			t.Errorf("with kept keys: %v", err)
		}
		if err := judge(second, rsaSigner(0).token(claims(time.Now(), ""))); err != nil {
			t.Errorf("with kept keys: %v", err)
		}
		if st := second.Status()[0]; !st.Usable || st.LastError == "" || time.Since(st.Fetched) != 30*time.Minute {
			t.Errorf("status %+v", st)
		}
		time.Sleep(31 * time.Minute)
		if err := judge(second, rsaSigner(0).token(claims(time.Now(), ""))); !errors.Is(err, introspect.ErrUnreachable) {
			t.Errorf("with keys that are too old: %v", err)
		}
		second.Close()
		third := begin(t, folder, p, server)
		defer third.Close()
		if err := judge(third, rsaSigner(0).token(claims(time.Now(), ""))); !errors.Is(err, introspect.ErrUnreachable) {
			t.Errorf("restored when too old: %v", err)
		}
		// The issuer is back, and need not send again what has not changed.
		p.change(func(p *idp) { p.status = 200 })
		time.Sleep(10 * time.Minute)
		if err := judge(third, rsaSigner(0).token(claims(time.Now(), ""))); err != nil {
			t.Errorf("after the issuer is back: %v", err)
		}
		if !strings.Contains(read(t, only(t, folder)), time.Now().UTC().Format("2006-01-02T15")) {
			t.Error("the age of what is kept does not follow the fetches")
		}
	})
}

// TestKeptKeysOfOthers: what is kept is used for the very auth server only, and
// never when it is broken.
func TestKeptKeysOfOthers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*config.AuthServer)
		edit   func(text string) string
		warns  bool
	}{
		{"another name", func(s *config.AuthServer) { s.Name = "other" }, nil, false},
		{"another issuer", func(s *config.AuthServer) { s.Issuer.Value = "https://other" }, nil, false},
		{"another address", func(s *config.AuthServer) { s.Local.JWKSURI += "2" }, nil, false},
		{"renamed file", nil, func(text string) string { return strings.Replace(text, `"corp"`, `"evil"`, 1) }, true},
		{"cut off", nil, func(text string) string { return text[:len(text)/2] }, true},
		{"empty", nil, func(string) string { return "" }, true},
		{"without keys", nil, func(text string) string { return text[:strings.Index(text, `"key_set"`)] + `"key_set":{"keys":[]}}` }, true},
		{"too long", nil, func(text string) string { return text + strings.Repeat(" ", 5<<20) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := t.TempDir()
				p := newIDP(rsaSigner(0))
				begin(t, folder, p, withURL()).Close()
				if tt.edit != nil {
					file := only(t, folder)
					if err := os.WriteFile(file, []byte(tt.edit(read(t, file))), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				server := withURL()
				if tt.change != nil {
					tt.change(&server)
				}
				p.change(func(p *idp) { p.status = 500 })
				next := begin(t, folder, p, server)
				defer next.Close()
				if st := next.Status()[0]; st.Usable || len(st.Keys) > 0 {
					t.Errorf("status %+v", st)
				}
				if n := next.logs.FilterMessage("kept key set not used").Len(); (n > 0) != tt.warns {
					t.Errorf("%d warnings", n)
				}
			})
		})
	}
}

// TestKeptNowhere: a folder that cannot be written costs a line in the log, and
// nothing else.
func TestKeptNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(folder, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		set := begin(t, folder, newIDP(rsaSigner(0)), withURL())
		defer set.Close()
		time.Sleep(time.Hour)
		if err := judge(set, rsaSigner(0).token(claims(time.Now(), ""))); err != nil {
			t.Error(err)
		}
		if n := set.logs.FilterMessage("key set not kept").Len(); n != 1 {
			t.Errorf("%d lines, want 1", n)
		}
	})
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
