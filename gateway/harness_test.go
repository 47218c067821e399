package gateway

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

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
	*Gateway
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
func startText(t testing.TB, text string, options ...Option) *running {
	t.Helper()
	g := New(zap.NewNop(), options...)
	if err := g.Apply(load(t, text)); err != nil {
		t.Fatal(err)
	}
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, Gateway: g, server: g.server.Load()}
	if a := g.Addrs(); a.HTTPS != nil {
		r.address = a.HTTPS.String()
	} else {
		r.address = a.HTTP.String()
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(context.Background()) }()
	r.stop = func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		return g.Shutdown(ctx)
	}
	t.Cleanup(func() {
		_ = r.stop(time.Second) // a test that leaves requests running says so itself
		<-served
		noneLeft(t)
	})
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
			if strings.Contains(s, "(*session)") || strings.Contains(s, "(*upload)") || strings.Contains(s, "(*flow)") || strings.Contains(s, "(*server).serve") ||
				strings.Contains(s, "(*checker)") || strings.Contains(s, "(*names)") {
				stacks += s + "\n\n"
			}
		}
		if stacks == "" {
			return
		}
	}
	t.Errorf("goroutines left:\n%s", stacks)
}
