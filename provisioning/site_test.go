package provisioning_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/provisioning"
	"postern/provisioning/config"
)

// oneAPI is a whole configuration with one API.
func oneAPI(api string) string {
	return fmt.Sprintf(`apis:
- name: %s
  version: "1"
  upstream: {targets: [{url: "http://127.0.0.1:8080"}]}
  policies: {identify: none}
`, api)
}

const broken = "apis:\n- name: a\n  adress: b\n"

// site is a Reloader at work on files of a temporary directory.
type site struct {
	*provisioning.Reloader
	t    *testing.T
	dir  string
	logs *observer.ObservedLogs

	mu      sync.Mutex
	applied []*config.Config
	refuse  error // what apply answers
}

// newSite writes files, pairs of name and content, and prepares a Reloader for
// path. Its poll is far away, so that tests see what events do.
func newSite(t *testing.T, path string, files ...string) *site {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s := &site{t: t, dir: t.TempDir(), logs: logs}
	for i := 0; i < len(files); i += 2 {
		s.write(files[i], files[i+1])
	}
	sources := provisioning.Sources{Paths: []string{filepath.Join(s.dir, path)}}
	s.Reloader = provisioning.NewReloader(sources, s.apply, zap.New(core))
	s.Poll = time.Hour
	return s
}

// run does what a gateway does: once, then for as long as the test lasts.
func (s *site) run() *site {
	s.t.Helper()
	if err := s.First(); err != nil {
		s.t.Fatal(err)
	}
	s.follow()
	return s
}

// follow runs the Reloader until the test ends.
func (s *site) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
}

func (s *site) apply(cfg *config.Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.applied = append(s.applied, cfg)
	return nil
}

// names is the first API of each configuration applied so far.
func (s *site) names() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, cfg := range s.applied {
		names = append(names, cfg.APIs[0].Name)
	}
	return strings.Join(names, " ")
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, content string) {
	s.t.Helper()
	must(s.t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	whole := filepath.Join(s.t.TempDir(), "whole")
	must(s.t, os.WriteFile(whole, []byte(content), 0o600))
	must(s.t, os.Rename(whole, s.path(name))) // a look in between would see half of it
}

// waitFor polls until f holds.
func (s *site) waitFor(what string, f func() bool) {
	s.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-deadline:
			s.t.Fatalf("timeout: %s; applied %q, last %+v", what, s.names(), s.Last())
		case <-tick.C:
		}
	}
}

func (s *site) waitNames(want string) {
	s.t.Helper()
	s.waitFor("to apply "+want, func() bool { return s.names() == want })
}

// waitRefused waits for the nth failed attempt and returns its error.
func (s *site) waitRefused(n uint64) string {
	s.t.Helper()
	s.waitFor(fmt.Sprintf("failed attempt %d", n), func() bool { return s.Last().Refused == n })
	if last := s.Last(); last.Success || last.Err == nil {
		s.t.Errorf("outcome of a failed attempt: %+v", last)
	}
	return s.Last().Err.Error()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
