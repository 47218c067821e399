package gateway

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/gateway/metrics"
)

// A change of weights, or of another target, keeps the connections of a target
// and what is known of it.
func TestTargetsAreCarriedOver(t *testing.T) {
	a, b := newTarget(t, always(ok)), newTarget(t, always("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"))
	d := inFront(t, "ejection: {failures: 1, base: 1h, max: 1h}", a.address, b.address)
	p := dial(t, d.http)
	for range 4 {
		p.do(getOrders)
	}
	expect := func(what, target, want string) {
		t.Helper()
		series := fmt.Sprintf(`postern_upstream_target_%s{api="orders/1",target="http://%s"}`, what, target)
		eventually(t, series+" "+want, func() bool { return d.metric(series) == want })
	}
	expect("ejected", b.address, "1")
	d.applied(func() {
		d.write("postern.yaml", strings.Replace(d.text(), a.address+`"}`, a.address+`", weight: 7}`, 1))
	})
	for range 4 {
		wantStatus(t, p.do(getOrders), 200)
	}
	expect("ejected", b.address, "1")
	if n := a.accepted(); n != 1 {
		t.Errorf("%d connections, want the first to go on", n)
	}
	third := newTarget(t, always(ok))
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), b.address, third.address, 1)) })
	eventually(t, "the new target is asked", func() bool { wantStatus(t, p.do(getOrders), 200); return third.accepted() == 1 })
	eventually(t, "the old target's connection is closed", func() bool { return b.open.Load() == 0 })
	if n := a.accepted(); n != 1 {
		t.Errorf("%d connections, want the first to go on", n)
	}
	if left := d.series("postern_upstream_target_healthy"); len(left) != 2 {
		t.Errorf("series %q", left)
	}
}

// Targets come and go under load, and nobody notices.
func TestTargetsComeAndGoUnderLoad(t *testing.T) {
	a, b, c := newTarget(t, always(ok)), newTarget(t, always(ok)), newTarget(t, always(ok))
	d := inFront(t, "retry: {}\nhealth: {path: /, interval: 20ms}", a.address, b.address)
	text := d.text()
	stop := d.traffic(4, 200, func() string { return getOrders })
	for i, change := range []func(string) string{
		func(s string) string { return strings.Replace(s, b.address, c.address, 1) },
		func(s string) string { return strings.Replace(s, a.address+`"}`, a.address+`", weight: 3}`, 1) },
		func(s string) string { return strings.Replace(s, "retry: {}", "balance: least_pending", 1) },
		func(s string) string { return strings.Replace(s, "retry: {}", "circuit_breaker: {}", 1) },
		func(s string) string {
			return strings.Replace(s, "health:", "max_pending: 50\n    queue: {}\n    health:", 1)
		},
		func(s string) string { return strings.Replace(s, "20ms", "10ms", 1) },
		func(s string) string { return strings.Replace(s, "retry: {}", "balance: {hash: {by: ip}}", 1) },
		func(s string) string { return s },
	} {
		if next := change(text); i == 7 || next != text {
			d.applied(func() { d.write("postern.yaml", next) })
		} else {
			t.Fatalf("change %d changes nothing", i)
		}
		pause(50 * time.Millisecond)
	}
	t.Logf("%d requests", stop())
	eventually(t, "the connections to what is gone are closed", func() bool { return c.open.Load() == 0 })
}

// What targets are trusted by, and what they are shown, are read anew when their
// files change: new connections have it, and the old ones that wait are closed.
func TestTLSOfTargetsIsSwappedLive(t *testing.T) {
	ca, next := newAuthority(t), newAuthority(t)
	_, _, server := ca.issue("server", "127.0.0.1")
	_, _, nextServer := next.issue("server", "127.0.0.1")
	ca.issue("edge", "edge")
	caFile := ca.file()
	shown := make(chan string, 100)
	script := func(u *target, p *peer) {
		secure := p.Conn.(*tls.Conn)
		if secure.Handshake() == nil {
			shown <- secure.ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
		always(ok)(u, p)
	}
	asking := func(pair tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}
	}
	u := newTargetOn(t, "127.0.0.1:0", asking(server), script)
	strange := newTargetOn(t, "127.0.0.1:0", asking(nextServer), script)
	api := "- {name: %s, version: \"1\", base_path: /%s, upstream: {targets: [{url: \"https://%s\"}], tls: {ca: %q, certificate: edge.crt, key: edge.key}}, policies: {identify: none}}\n"
	d := deploy(t, ca.dir, "ports: {http: \"127.0.0.1:0\"}\nadmin_api: {listen: \"127.0.0.1:0\"}\napis:\n"+
		fmt.Sprintf(api, "old", "old", u.address, caFile)+fmt.Sprintf(api, "new", "new", strange.address, caFile))
	call := func(api string, want int) {
		t.Helper()
		wantStatus(t, d.do("GET /"+api+" HTTP/1.1\r\nHost: h\r\n\r\n"), want)
	}
	call("old", 200)
	call("old", 200)
	call("new", 502)
	first := <-shown
	if n := u.accepted(); n != 1 {
		t.Errorf("%d connections, want one kept", n)
	}

	// Another client certificate.
	var edge tls.Certificate
	d.applied(func() { _, _, edge = ca.issue("edge", "edge") })
	eventually(t, "the connection that waits is closed", func() bool { return u.open.Load() == 0 })
	call("old", 200)
	if got := <-shown; got == first || got != edge.Leaf.SerialNumber.String() {
		t.Errorf("shown %s, want %s", got, edge.Leaf.SerialNumber)
	}

	// Another authority.
	d.applied(func() { ca.write("ca.pem", "CERTIFICATE", next.cert.Raw) })
	eventually(t, "the connection that waits is closed", func() bool { return u.open.Load() == 0 })
	call("old", 502)
	call("new", 200)
}

// Checks speak TLS as traffic does.
func TestChecksSpeakTLS(t *testing.T) {
	ca := newAuthority(t)
	_, _, byName := ca.issue("name", "orders.internal")
	u := newTargetOn(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{byName}}, always("HTTP/1.1 204 X\r\n\r\n"))
	for name, want := range map[string]string{"orders.internal": metrics.Healthy, "other.internal": metrics.Unhealthy} {
		d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- name: orders
  version: "1"
  upstream:
    targets: [{url: "https://%s"}]
    host: shop.example.com
    health: {path: /healthz, interval: 10ms}
    tls: {ca: %q, server_name: %s}
  policies: {identify: none}
`, u.address, ca.file(), name))
		state := func() string { return d.upstreams()["orders/1"].Targets[0].State }
		if want == metrics.Unhealthy {
			eventually(t, "unhealthy", func() bool { return state() == want })
			continue
		}
		for range 5 {
			if request := u.next(); field(request, "Host") != "shop.example.com" || !strings.HasPrefix(request, "GET /healthz HTTP/1.1\r\n") {
				t.Errorf("asked %q", request)
			}
		}
		if got := state(); got != want {
			t.Errorf("%s after five good answers", got)
		}
	}
}

// What runs beside requests ends with the gateway, which start looks after.
func TestChecksEndWithTheGateway(t *testing.T) {
	u := newTarget(t, always(ok))
	_, port, _ := strings.Cut(u.address, ":")
	g := start(t, bundle{target: "localhost:" + port, upstream: "resolve: 10ms\nhealth: {path: /, interval: 10ms}"})
	wantStatus(t, g.do(getOrders), 200)
	for range 5 {
		u.next()
	}
}
