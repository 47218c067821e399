package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// nginxConfig passes on as much as nginx can be made to: names that it takes for
// invalid, and requests of several callers on one connection.
const nginxConfig = `daemon off; pid DIR/pid; error_log DIR/error.log; worker_processes 1;
events { worker_connections 256; }
http {
  client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  log_format heard escape=json '{"Method":"$request_method","Target":"$request_uri","Host":"$http_host","Body":"$request_body","Upstream":"$upstream_status"}';
  access_log DIR/heard.log heard;
  underscores_in_headers on; ignore_invalid_headers off;
  client_header_timeout 2s; client_body_timeout 2s; lingering_close off; client_body_buffer_size 64k;
  upstream behind { server UPSTREAM; keepalive 4; }
  server {
    listen ADDRESS;
    location / {
      proxy_pass http://behind; proxy_http_version 1.1; proxy_next_upstream off;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }
  }
}
`

// nginx is one that runs before upstream.
type nginx struct {
	dir, address string
	lines        int // of its log that have been read
}

func startNginx(t *testing.T, upstream string) *nginx {
	t.Helper()
	path := "/usr/sbin/nginx"
	if _, err := os.Stat(path); err != nil {
		path = program(t, "nginx")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nginx{dir: t.TempDir(), address: l.Addr().String()}
	l.Close()
	text := strings.NewReplacer("DIR", n.dir, "ADDRESS", n.address, "UPSTREAM", upstream).Replace(nginxConfig)
	put(t, filepath.Join(n.dir, "nginx.conf"), text)
	cmd := exec.Command(path, "-c", filepath.Join(n.dir, "nginx.conf"), "-e", filepath.Join(n.dir, "error.log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // or it has ended, which a test has seen
		_ = cmd.Wait()
	})
	eventually(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", n.address)
		return err == nil && c.Close() == nil
	})
	return n
}

// heard are the requests that nginx took and its upstream answered with 200, as it
// understood them, without those that were heard before. It logs a request before
// it ends the connection.
func (n *nginx) heard(t *testing.T) (messages []heardRequest) {
	t.Helper()
	text := readFile(t, filepath.Join(n.dir, "heard.log"))
	lines := strings.SplitAfter(text, "\n")
	skip := n.lines
	n.lines = len(lines) - 1
	for _, line := range lines[skip : len(lines)-1] {
		var logged struct {
			heardRequest
			Upstream string
		}
		if err := json.Unmarshal([]byte(line), &logged); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if logged.Upstream == "200" {
			logged.Host = strings.ToLower(logged.Host)
			messages = append(messages, logged.heardRequest)
		}
	}
	return messages
}

// say sends raw to nginx on a connection of its own and returns all that comes
// back. The caller's end is half closed only by nginx.
func (n *nginx) say(t *testing.T, raw []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", n.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	told, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("nginx does not answer %q to its end: %q", raw, told)
	}
	return told // a reset comes after an answer
}

// What is forwarded to nginx, nginx understands as we do, or refuses.
func TestNginxBehindUnderstandsTheSame(t *testing.T) {
	u := newRecorder(t)
	n := startNginx(t, u.address)
	g := start(t, bundle{target: n.address, limits: hasty, upstream: "host: caller"})
	for _, c := range smuggled {
		t.Run(c.name, func(t *testing.T) {
			raw := []byte(c.sent + next)
			told := g.say(raw)
			agree(t, raw, told, u.take(t))
		})
	}
}

// What nginx forwards to us, we understand as it does, or refuse; what follows
// on the connection that it keeps for all its callers included.
func TestNginxInFrontUnderstandsTheSame(t *testing.T) {
	u := newRecorder(t)
	g := start(t, bundle{target: u.address, limits: hasty, upstream: "host: caller"})
	n := startNginx(t, g.address)
	for _, c := range smuggled {
		t.Run(c.name, func(t *testing.T) {
			raw := []byte(c.sent + strings.Replace(next, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
			told := n.say(t, raw)
			if diff := cmp.Diff(n.heard(t), u.take(t), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q (-nginx +forwarded):\n%s\nanswered: %q", raw, diff, told)
			}
		})
	}
	if n.lines < len(smuggled)/2 {
		t.Errorf("nginx has logged %d requests of %d connections", n.lines, len(smuggled))
	}
}

// An upstream that splits its answers gives nobody behind nginx an answer to what
// another has asked.
func TestNginxInFrontOfSplitAnswers(t *testing.T) {
	var now atomic.Pointer[script]
	u := newSpeaker(t, &now)
	g := start(t, bundle{target: u.address, limits: hasty, upstream: "timeout: 1s\nidle_timeout: 1s"})
	n := startNginx(t, g.address)
	for _, c := range split {
		t.Run(c.name, func(t *testing.T) {
			now.Store(&script{[]byte(c.sent), true})
			for range 3 {
				told := n.say(t, []byte("GET /1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n"))
				if strings.Contains(string(told), "evil") {
					t.Errorf("a caller was told %q", told)
				}
			}
		})
	}
}
