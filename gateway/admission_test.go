package gateway

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// dialFrom connects a caller that has an address of its own.
func (r *running) dialFrom(address string) *peer {
	r.t.Helper()
	return dialFrom(r.t, address, r.address)
}

func dialFrom(t testing.TB, from, to string) *peer {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := dialer.Dial("tcp", to)
	if err != nil {
		t.Skipf("this system has no %s: %v", from, err)
	}
	t.Cleanup(func() { c.Close() })
	return newPeer(t, c)
}

// count is the value of a series of the metrics; "" when it is not there.
func (r *running) count(series string) string {
	var text strings.Builder
	r.metrics.Write(&text)
	for line := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "per_ip: {connections: 2}"})
	first, second := g.dialFrom("127.0.0.2"), g.dialFrom("127.0.0.2")
	wantStatus(t, first.do(get), 200)
	wantStatus(t, second.do(get), 200)
	third := g.dialFrom("127.0.0.2")
	answer := third.answer("GET")
	wantStatus(t, answer, 429)
	if field(answer, "Retry-After") == "" || field(answer, "Connection") != "close" {
		t.Errorf("answer %q", answer)
	}
	third.ended()
	wantStatus(t, g.dialFrom("127.0.0.3").do(get), 200)
	wantStatus(t, first.do(get), 200)
	if got := g.count(`postern_connections_refused_total{reason="per_ip"}`); got != "1" {
		t.Errorf("%s refused, want 1", got)
	}
	second.Close()
	eventually(t, "room again", func() bool {
		p := g.dialFrom("127.0.0.2")
		defer p.Close()
		p.send(get)
		return status(p.answer("GET")) == 200
	})
}

// A trusted proxy speaks for many, and is as free as it is trusted at that
// moment.
func TestTrustedProxiesAreNotLimited(t *testing.T) {
	b := bundle{target: newTarget(t, always(ok)).address, limits: "per_ip: {connections: 1}", top: "trusted_proxies: [127.0.0.2]"}
	g := start(t, b)
	for range 3 {
		wantStatus(t, g.dialFrom("127.0.0.2").do(get), 200)
	}
	b.top = ""
	if err := g.Apply(load(t, b.text())); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.dialFrom("127.0.0.2").answer("GET"), 429)
}

// Nothing is left of callers that have left, so that addresses do not pile up.
func TestAddressesAreForgotten(t *testing.T) {
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "per_ip: {connections: 1}"})
	for _, address := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"} {
		p := g.dialFrom(address)
		wantStatus(t, p.do(get), 200)
		p.Close()
	}
	eventually(t, "no address is left", func() bool {
		g.server.perIP.mu.Lock()
		defer g.server.perIP.mu.Unlock()
		return len(g.server.perIP.open) == 0
	})
}

func TestNeighbourhood(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":           "192.0.2.7",
		"2001:db8:1:2:3::4":   "2001:db8:1:2::",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::",
		"2001:db8:1:3::1":     "2001:db8:1:3::",
	} {
		if got := neighbourhood(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
	if got := neighbourhood(netip.Addr{}); got.IsValid() {
		t.Errorf("no address is of %s", got)
	}
}

// Each limit on time is counted under its own name.
func TestTimeoutsAreCounted(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) {
		if strings.Contains(p.head(), "/large") {
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
			for p.send(repeat('a', 1<<20)) == nil {
				// until the gateway has had enough
			}
		}
		p.rest()
	})
	const limits = "header_timeout: 200ms\nbody_timeout: 200ms\nidle_timeout: 300ms\nanswer_rate: "
	const large = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct{ limit, sent, rate string }{
		{"idle_timeout", "", "none"},
		{"header_timeout", "GET / HT", "none"},
		{"body_timeout", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na", "none"},
		{"unread", large, "none"},
		{"answer_rate", large, "1GiB"},
	} {
		t.Run(c.limit, func(t *testing.T) {
			g := start(t, bundle{target: u.address, limits: limits + c.rate})
			g.dial().send(c.sent)
			eventually(t, "the limit is counted", func() bool { return g.count(`postern_timeouts_total{limit="`+c.limit+`"}`) == "1" })
		})
	}
}
