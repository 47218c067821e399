package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// stage is the gateway with what stands around it.
type stage struct {
	folder   string
	issuer   *issuer
	upstream *upstream
	gateway  *exec.Cmd
	log      bytes.Buffer
	traffic  string // address of the gateway
	admin    string
	settings sync.Mutex
}

func newStage(folder, binary string) (*stage, error) {
	s := &stage{folder: folder}
	var err error
	if s.issuer, err = newIssuer(); err != nil {
		return nil, err
	}
	if s.upstream, err = newUpstream(); err != nil {
		return nil, err
	}
	if s.traffic, err = freeAddress(); err != nil {
		return nil, err
	}
	if s.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	if err := s.configure(0, false); err != nil {
		return nil, err
	}
	s.gateway = exec.Command(binary, "run", "-c", s.file())
	s.gateway.Stderr = &s.log
	if err := s.gateway.Start(); err != nil {
		return nil, err
	}
	return s, s.await()
}

func (s *stage) file() string { return filepath.Join(s.folder, "postern.yaml") }

// freeAddress is one that nobody listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// configure writes the settings as one piece; n makes them differ, and broken
// ones must change nothing.
func (s *stage) configure(n int, broken bool) error {
	s.settings.Lock()
	defer s.settings.Unlock()
	identify := "identify"
	if broken {
		identify = "identity"
	}
	text := fmt.Sprintf(`ports: {http: "%s"}
admin_api: {listen: "%s"}
logging: {access: errors}
auth_servers:
- name: idp
  issuer: %s
  required: true
  local_introspection: {jwks_uri: %s/keys, refresh: 5s, unknown_kid_interval: 1s}
  audience: {any: [soak]}
apis:
- name: soak
  version: "1"
  base_path: /soak
  upstream: {targets: [{url: "%s"}], timeout: 5s}
  scopes:
  - {name: write, policies: {authorize: {token_scopes: {all: [write]}}}}
  - name: changed
    policies:
      mask: {request: [{json_path: $.secret, action: filter}], response: [{json_path: $.ID}]}
      transform: {request: [{body: {json: {$.by: "${request.headers.X-User}"}}}], response: [{set_headers: {X-Changed: "${response.payload.jsonPath[$.ID]}"}}]}
  - {name: packed, policies: {compression: {codings: [gzip]}}}
  - {name: kept, policies: {cache: {mode: ttl, ttl: 1s, size: 1MiB}}}
  resources:
  - {path: "/echo/**"}
  - {path: /changed, methods: [POST], scopes: [changed]}
  - {path: /packed, methods: [GET], scopes: [packed]}
  - {path: /kept, methods: [GET], scopes: [kept]}
  - {path: "/fault/**"}
  - {path: /write, methods: [POST], scopes: [write]}
  policies:
    %s: {by: [jwt], applications: none, claim_headers: {X-User: sub}}
- name: other%d
  version: "1"
  upstream: {targets: [{url: "%s"}]}
  policies: {identify: none}
`, s.traffic, s.admin, s.issuer.url, s.issuer.url, s.upstream.url, identify, n, s.upstream.url)
	fresh := s.file() + ".fresh"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, s.file())
}

// await waits until the gateway is ready.
func (s *stage) await() error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		response, err := http.Get("http://" + s.admin + "/readyz")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("the gateway is not ready:\n%s", s.log.String())
}

// changes are what was done to the gateway while it served.
type changes struct{ reloads, broken, rotations int }

// disturb changes the configuration and the keys until ctx ends.
func (s *stage) disturb(ctx context.Context) <-chan changes {
	done := make(chan changes, 1)
	go func() {
		var c changes
		reload, rotate := time.NewTicker(2*time.Second), time.NewTicker(7*time.Second)
		defer reload.Stop()
		defer rotate.Stop()
		for {
			select {
			case <-ctx.Done():
				done <- c
				return
			case <-reload.C:
				broken := c.reloads%4 == 3
				if s.configure(c.reloads, broken) == nil {
					c.reloads++
				}
				if broken {
					c.broken++
				}
			case <-rotate.C:
				if s.issuer.rotate() == nil {
					c.rotations++
				}
			}
		}
	}()
	return done
}

// close ends everything.
func (s *stage) close() {
	if s.gateway.Process == nil {
		return
	}
	if err := s.gateway.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintln(os.Stderr, "soak: end the gateway:", err)
	}
	if err := s.gateway.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "soak: the gateway ended with", err)
	}
	s.issuer.server.Close()
	s.upstream.server.Close()
}

// pid is the gateway's.
func (s *stage) pid() string { return strconv.Itoa(s.gateway.Process.Pid) }
