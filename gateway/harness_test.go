package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/upstream"
	"postern/provisioning"
	"postern/provisioning/config"
)

// bundle is the YAML of a gateway with one API, in parts.
type bundle struct {
	target   string // address of the upstream
	scheme   string // of the upstream; http when empty
	prefix   string // path of the target's URL
	base     string // the API's base_path; "/" when empty
	limits   string // more of limits
	upstream string // more of the API's upstream
	top      string // more sections
}

// text writes the bundle. Limits are those of a gateway in use, made short
// where a test would have to wait.
func (b bundle) text() string {
	if b.scheme == "" {
		b.scheme = "http"
	}
	if b.base == "" {
		b.base = "/"
	}
	if !strings.Contains(b.limits, "idle_timeout:") {
		b.limits += "\nidle_timeout: 5s"
	}
	if !strings.Contains(b.top, "ports:") {
		b.top += "\nports: {http: \"127.0.0.1:0\"}"
	}
	return fmt.Sprintf(`%s
limits:
%s
admin_api: {listen: "127.0.0.1:0"}
logging: {level: error, access: false}
apis:
- name: test
  version: "1"
  base_path: %s
  upstream:
    targets: [{url: "%s://%s%s"}]
%s
  policies: {identify: none}
`, b.top, indent("  ", b.limits), b.base, b.scheme, b.target, b.prefix, indent("    ", b.upstream))
}

// indent puts each line of text under its section.
func indent(by, text string) string {
	if text == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by)
}

// load reads YAML text as the gateway does.
func load(t testing.TB, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{file}}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return loaded.Config
}

// running is a gateway that serves.
type running struct {
	t       testing.TB
	server  *server
	address string
	stop    func(within time.Duration) error
}

// start runs the gateway that b describes.
func start(t testing.TB, b bundle) *running {
	t.Helper()
	return startText(t, b.text())
}

// startText runs a gateway from YAML text and ends it with the test, which
// fails when anything of it is left.
func startText(t testing.TB, text string) *running {
	t.Helper()
	cfg := load(t, text)
	s := newServer(cfg.Limits, zap.NewNop())
	u, err := upstream.New(cfg.APIs[0].Upstream, cfg.Limits)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(cfg.APIs[0].BasePath, "/")
	s.handle = func(x *exchange.Exchange) {
		path, query, asked := strings.Cut(string(x.HTTP.Request.Header.RequestURI()), "?")
		x.Path = append(x.Path[:0], path...)
		if asked {
			x.Query = []byte(query)
		}
		for _, p := range cfg.TrustedProxies {
			x.Trusted = x.Trusted || p.Contains(x.Peer.Addr())
		}
		rest, found := strings.CutPrefix(path, base)
		var failed error = problem.NotFound
		if found {
			x.Rest = []byte(rest)
			failed = u.Forward(x)
		}
		if failed != nil {
			x.HTTP.Response.SetStatusCode(failed.(*problem.Problem).Status)
			x.HTTP.Response.SetBodyString(failed.Error())
		}
	}
	s.refuse = func(x *exchange.Exchange, p *problem.Problem) {
		x.HTTP.Response.SetStatusCode(p.Status)
		x.HTTP.Response.SetBodyString(p.Detail)
	}
	r := &running{t: t, server: s}
	r.stop = func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		defer u.Close()
		return s.shutdown(ctx)
	}
	t.Cleanup(func() {
		r.stop(time.Second)
		noneLeft(t)
	})
	listen := cfg.Ports.HTTP
	secure, err := serverTLS(cfg.TLS)
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		listen = cfg.Ports.HTTPS
	}
	l, err := net.Listen("tcp", string(listen))
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Addr().String()
	var current func() *tls.Config
	if secure != nil {
		current = func() *tls.Config { return secure }
	}
	go s.serve(l, current)
	return r
}

// dial connects a caller.
func (r *running) dial() *peer { return dial(r.t, r.address) }

// do sends one request on a connection of its own.
func (r *running) do(request string) string {
	r.t.Helper()
	c := r.dial()
	defer c.Close()
	return c.do(request)
}

// noneLeft fails the test when goroutines that serve requests outlive their
// gateway.
func noneLeft(t testing.TB) {
	t.Helper()
	var stacks string
	for end := time.Now().Add(patience); time.Now().Before(end); pause(time.Millisecond) {
		buf := make([]byte, 4<<20)
		stacks = ""
		for _, s := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(s, "(*session)") || strings.Contains(s, "(*upload)") || strings.Contains(s, "(*server).serve") {
				stacks += s + "\n\n"
			}
		}
		if stacks == "" {
			return
		}
	}
	t.Errorf("goroutines left:\n%s", stacks)
}
