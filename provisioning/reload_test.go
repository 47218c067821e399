package provisioning_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/provisioning"
	"postern/provisioning/config"
)

func TestFirst(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a"))
	if last := s.Last(); last.Success || last.Hash != "" || !last.When.IsZero() {
		t.Errorf("before the first load: %+v", last)
	}
	must(t, s.First())
	last := s.Last()
	if !last.Success || last.Generation != 1 || last.Applied != 1 || last.Hash == "" || last.LastSuccess.IsZero() || s.names() != "a" {
		t.Errorf("after the first load: applied %q, last %+v", s.names(), last)
	}
}

func TestFirstReportsEveryFault(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", broken)
	err := s.First()
	var report provisioning.Report
	if !errors.As(err, &report) || !strings.Contains(err.Error(), `postern.yaml:3:3: apis[0].adress: unknown field "adress"`) {
		t.Errorf("First: %v", err)
	}
	if s.names() != "" || s.Last().Success || s.Last().Refused != 1 || s.Last().Generation != 0 {
		t.Errorf("applied %q, last %+v", s.names(), s.Last())
	}
	if s.logs.Len() != 0 {
		t.Errorf("the error is the caller's to log, but: %v", s.logs.All())
	}
}

func TestFaultsOfApplyAreLocated(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a"))
	s.refuse = fmt.Errorf("build: %w", config.Faults{{Path: []any{"apis", 0, "version"}, Message: "too old"}})
	err := s.First()
	if want := s.path("postern.yaml") + `:3:12: apis[0].version: too old`; err == nil || err.Error() != want {
		t.Errorf("First: %v, want %s", err, want)
	}
	s.refuse = errors.New("no more memory")
	if err := s.First(); !errors.Is(err, s.refuse) {
		t.Errorf("First: %v, want it to wrap %v", err, s.refuse)
	}
}

func TestChangesAreApplied(t *testing.T) {
	const withSecret = "admin_api: {user: admin, password: {file: secret}}\n"
	const withKeys = "auth_servers: [{name: corp, issuer: \"https://idp.example.com\", audience: unchecked, local_introspection: {jwks: sub/keys.json}}]\n"
	for _, tt := range []struct {
		name   string
		path   string
		files  []string
		change func(s *site)
		want   string
	}{
		{"written in place", "postern.yaml", []string{"postern.yaml", oneAPI("a")}, func(s *site) {
			s.write("postern.yaml", oneAPI("b"))
		}, "a b"},
		{"replaced by an editor", "postern.yaml", []string{"postern.yaml", oneAPI("a")}, func(s *site) {
			s.write(".postern.yaml.swp", oneAPI("b"))
			must(s.t, os.Rename(s.path(".postern.yaml.swp"), s.path("postern.yaml")))
		}, "a b"},
		{"removed and written anew", "postern.yaml", []string{"postern.yaml", oneAPI("a")}, func(s *site) {
			must(s.t, os.Remove(s.path("postern.yaml")))
			s.waitRefused(1)
			s.write("postern.yaml", oneAPI("b"))
		}, "a b"},
		{"secret", "postern.yaml", []string{"postern.yaml", oneAPI("a") + withSecret, "secret", "x"}, func(s *site) {
			s.write("secret", "y")
		}, "a a"},
		{"key set elsewhere", "postern.yaml", []string{"postern.yaml", oneAPI("a") + withKeys, "sub/keys.json", `{"keys":[]}`}, func(s *site) {
			s.write("sub/keys.json", `{"keys":[ ]}`)
		}, "a a"},
		{"file comes into a directory", "conf", []string{"conf/b.yaml", oneAPI("b")}, func(s *site) {
			s.write("conf/a.yaml", oneAPI("a"))
		}, "b a"},
		{"file leaves a directory", "conf", []string{"conf/a.yaml", oneAPI("a"), "conf/b.yaml", oneAPI("b")}, func(s *site) {
			must(s.t, os.Remove(s.path("conf/a.yaml")))
		}, "a b"},
		{"directory replaced", "conf", []string{"conf/a.yaml", oneAPI("a"), "next/b.yaml", oneAPI("b")}, func(s *site) {
			must(s.t, os.Rename(s.path("conf"), s.path("old")))
			s.waitRefused(1)
			must(s.t, os.Rename(s.path("next"), s.path("conf")))
			s.waitNames("a b")
			s.write("conf/b.yaml", oneAPI("c"))
		}, "a b c"},
		{"directory removed with all above it", "x/y/conf", []string{"x/y/conf/a.yaml", oneAPI("a")}, func(s *site) {
			must(s.t, os.RemoveAll(s.path("x")))
			s.waitRefused(1)
			s.write("x/y/conf/a.yaml", oneAPI("b"))
		}, "a b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.path, tt.files...).run()
			tt.change(s)
			s.waitNames(tt.want)
			if last := s.Last(); !last.Success || last.Err != nil || last.Generation != last.Applied {
				t.Errorf("outcome %+v", last)
			}
		})
	}
}

func TestKubernetesSwap(t *testing.T) {
	s := newSite(t, "etc/postern.yaml", "etc/..1/postern.yaml", oneAPI("a"))
	must(t, os.Symlink("..1", s.path("etc/..data")))
	must(t, os.Symlink("..data/postern.yaml", s.path("etc/postern.yaml")))
	s.run()
	for n, want := range []string{"a b", "a b c", "a b c d"} {
		next := fmt.Sprintf("..%d", n+2)
		s.write("etc/"+next+"/postern.yaml", oneAPI(want[len(want)-1:]))
		must(t, os.Symlink(next, s.path("etc/..data_tmp")))
		must(t, os.Rename(s.path("etc/..data_tmp"), s.path("etc/..data")))
		must(t, os.RemoveAll(s.path(fmt.Sprintf("etc/..%d", n+1))))
		s.waitNames(want)
	}
	if s.Last().Refused != 0 {
		t.Errorf("a swap was seen half way: %+v", s.Last())
	}
}

func TestLinkFarAway(t *testing.T) {
	s := newSite(t, "etc/postern.yaml", "v1/postern.yaml", oneAPI("a"), "v2/postern.yaml", oneAPI("b"), "etc/x", "", "links/x", "")
	must(t, os.Symlink(s.path("v1"), s.path("links/now")))
	must(t, os.Symlink("../links/now/postern.yaml", s.path("etc/postern.yaml")))
	s.run()
	must(t, os.Symlink(s.path("v2"), s.path("links/next")))
	must(t, os.Rename(s.path("links/next"), s.path("links/now")))
	s.waitNames("a b")
	s.write("v2/postern.yaml", oneAPI("c"))
	s.waitNames("a b c")
}

func TestLinksInACircle(t *testing.T) {
	s := newSite(t, "x", "postern.yaml", oneAPI("a"))
	must(t, os.Symlink("postern.yaml", s.path("x")))
	s.run()
	must(t, os.Symlink("x", s.path("y")))
	must(t, os.Rename(s.path("y"), s.path("x")))
	s.waitRefused(1)
	must(t, os.Remove(s.path("x")))
	s.write("x", oneAPI("b"))
	s.waitNames("a b")
}

func TestCertificateChange(t *testing.T) {
	certificate, key := pair(t, "a.example.com")
	s := newSite(t, "postern.yaml", "tls/server.crt", certificate, "tls/server.key", key, "postern.yaml", oneAPI("a")+
		"ports: {http: 4485, https: 4486}\ntls: {certificates: [{certificate: tls/server.crt, key: tls/server.key}]}\n").run()
	next, nextKey := pair(t, "b.example.com")
	s.write("tls/server.crt", next)
	s.write("tls/server.key", nextKey)
	s.waitFor("the new key", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		running := s.applied[len(s.applied)-1].TLS.Certificates[0]
		return string(running.Certificate.Data) == next && string(running.Key.Data) == nextKey
	})
}

func TestBrokenThenFixed(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a")).run()
	good := s.Last()
	s.write("postern.yaml", broken)
	if err := s.waitRefused(1); !strings.Contains(err, `postern.yaml:3:3: apis[0].adress: unknown field "adress"`) {
		t.Errorf("report: %s", err)
	}
	bad := s.Last()
	if bad.Hash != good.Hash || bad.Generation != 1 || !bad.LastSuccess.Equal(good.LastSuccess) || s.names() != "a" {
		t.Errorf("a broken bundle changed something: %+v", bad)
	}
	// The same content again is no new attempt, nor a second report.
	s.write("postern.yaml", broken)
	s.write("postern.yaml", oneAPI("b"))
	s.waitNames("a b")
	if last := s.Last(); !last.Success || last.Err != nil || last.Refused != 1 || last.Generation != 2 || last.Hash == good.Hash {
		t.Errorf("after the fix: %+v", last)
	}
	refused := s.logs.FilterMessage("configuration refused").All()
	if len(refused) != 1 || !strings.Contains(refused[0].ContextMap()["error"].(string), "adress") {
		t.Errorf("log: %v", refused)
	}
}

func TestBackToTheRunningOne(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a")).run()
	s.write("postern.yaml", broken)
	s.waitRefused(1)
	s.write("postern.yaml", oneAPI("a"))
	s.waitFor("success", func() bool { return s.Last().Success })
	if last := s.Last(); last.Err != nil || last.Generation != 1 || s.names() != "a" {
		t.Errorf("applied %q, last %+v", s.names(), last)
	}
}

func TestSameContentIsNotAppliedAgain(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a")).run()
	s.write("postern.yaml", oneAPI("a"))
	must(t, os.Chtimes(s.path("postern.yaml"), time.Now(), time.Now()))
	s.write("unrelated", "x")
	s.write("postern.yaml", oneAPI("b"))
	s.waitNames("a b")
}

func TestRestartOnlySettingsAreRefused(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", "ports: {http: 127.0.0.1:4485}\n"+oneAPI("a")).run()
	s.write("postern.yaml", "ports: {http: 127.0.0.1:4486}\n"+oneAPI("b"))
	if err := s.waitRefused(1); !strings.Contains(err, "postern.yaml:1:") || !strings.Contains(err, "restart") {
		t.Errorf("report: %s", err)
	}
	s.write("postern.yaml", "ports: {http: 127.0.0.1:4485}\n"+oneAPI("b"))
	s.waitNames("a b")
}

func TestEmptyDirectoryChangesNothing(t *testing.T) {
	s := newSite(t, "conf", "conf/a.yaml", oneAPI("a")).run()
	must(t, os.Remove(s.path("conf/a.yaml")))
	s.waitRefused(1)
	if s.names() != "a" || s.Last().Generation != 1 {
		t.Errorf("applied %q, last %+v", s.names(), s.Last())
	}
}

func TestHangupTriesAgain(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a")).run()
	hangup := func() { must(t, syscall.Kill(os.Getpid(), syscall.SIGHUP)) }
	hangup()
	s.waitNames("a a")
	hangup()
	s.waitNames("a a a")

	// A fault that lies outside the files.
	s.mu.Lock()
	s.refuse = errors.New("no more memory")
	s.mu.Unlock()
	hangup()
	if err := s.waitRefused(1); !strings.Contains(err, "no more memory") {
		t.Errorf("error: %s", err)
	}
	hangup()
	s.waitRefused(2)
	s.mu.Lock()
	s.refuse = nil
	s.mu.Unlock()
	s.Again()
	s.waitNames("a a a a")
	if last := s.Last(); last.Generation != 4 || last.Applied != 4 || last.Refused != 2 || !last.Success {
		t.Errorf("last %+v", last)
	}
}

func TestHangupBetweenFirstAndRun(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a"))
	must(t, s.First())
	must(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	s.follow()
	s.waitNames("a a")
}

func TestChangeBetweenFirstAndRun(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a"))
	must(t, s.First())
	s.write("postern.yaml", oneAPI("b"))
	s.follow()
	s.waitNames("a b")
}

func TestRunWithoutFirst(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", broken)
	s.follow()
	s.waitRefused(1)
	s.write("postern.yaml", oneAPI("a"))
	s.waitNames("a")
}

// However the reads of one look and the writes of others meet, the last content
// is the one that runs in the end.
func TestFastChangesEndAtTheLast(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a"), "a", oneAPI("a"), "b", oneAPI("b"), "broken", broken).run()
	for round := range 10 {
		for n := range 60 {
			s.Again()
			from := []string{"a", "broken", "b", "a"}[(n+round)%4]
			must(t, os.Link(s.path(from), s.path("next")))
			must(t, os.Rename(s.path("next"), s.path("postern.yaml")))
			must(t, os.RemoveAll(s.path("next"))) // a rename onto another link of the same file does nothing
		}
		want := []string{"a", "b"}[round%2]
		must(t, os.Link(s.path(want), s.path("next")))
		must(t, os.Rename(s.path("next"), s.path("postern.yaml")))
		must(t, os.RemoveAll(s.path("next")))
		s.waitFor("the last content to run", func() bool {
			return s.Last().Success && strings.HasSuffix(s.names(), want)
		})
	}
}

func TestConstantEventsDoNotDelayForEver(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("a")).run()
	stop := make(chan struct{})
	var noise sync.WaitGroup
	noise.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond) // never as long as the quiet time
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				_ = os.WriteFile(s.path("noise.log"), []byte(now.String()), 0o600)
			}
		}
	})
	defer noise.Wait()
	defer close(stop)
	s.write("postern.yaml", oneAPI("b"))
	s.waitNames("a b")
}

func BenchmarkUnchanged(b *testing.B) {
	file := filepath.Join(b.TempDir(), "postern.yaml")
	text := "apis:\n"
	for n := range 1000 {
		text += strings.TrimPrefix(oneAPI(fmt.Sprintf("api%d", n)), "apis:\n")
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{file}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if loaded.Current() != loaded.Hash {
			b.Fatal("the hash of unchanged files has changed")
		}
	}
}
