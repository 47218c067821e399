// Package redistest runs real redis-servers for tests, on loopback and without
// anything on disk.
package redistest

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one redis-server. Its address stays the same over restarts.
type Server struct {
	Address string
	// Args are for redis-server; a change is for the next start.
	Args []string

	t       testing.TB
	process *exec.Cmd
	exited  chan struct{}
}

// Start runs a server that ends with the test. Without redis-server the test is
// skipped, or fails where CI=true.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := New(t, args...)
	s.Start()
	return s
}

// New is a server that does not run yet.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Server{Address: l.Addr().String(), Args: args, t: t}
	t.Cleanup(s.Stop)
	return s
}

// Start runs it, empty, and waits until it takes connections.
func (s *Server) Start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Address)
	args := append([]string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.t.TempDir(), "--loglevel", "warning"}, s.Args...)
	if !strings.Contains(strings.Join(s.Args, " "), "--port") {
		args = append(args, "--port", port)
	} else {
		args = append(args, "--tls-port", port)
	}
	s.process = exec.Command("redis-server", args...)
	s.exited = make(chan struct{})
	var output strings.Builder
	s.process.Stdout, s.process.Stderr = &output, &output
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func(p *exec.Cmd, exited chan struct{}) {
		_ = p.Wait()
		close(exited)
	}(s.process, s.exited)
	s.Until("redis-server takes connections", func() bool {
		select {
		case <-s.exited:
			s.t.Fatalf("redis-server ended: %s", output.String())
		default:
		}
		c, err := net.Dial("tcp", s.Address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Stop ends it at once, as a crash does.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	<-s.exited
	s.process = nil
}

// Freeze lets it take connections and answer nothing, until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Do runs one command by redis-cli and returns its answer, a line for each value.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Address)
	out, err := exec.Command("redis-cli", append([]string{"-p", port}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli %s: %v: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

// Until waits for a condition, for a minute at most.
func (s *Server) Until(what string, holds func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
