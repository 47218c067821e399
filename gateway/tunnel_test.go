package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// chat is a script that switches to a WebSocket and then lets speak.
func chat(speak func(*target, *peer)) func(*target, *peer) {
	return func(u *target, p *peer) {
		if head := p.head(); head != "" {
			p.send(switched)
			speak(u, p)
		}
	}
}

// echo sends back what comes, and then ends.
func echo(_ *target, p *peer) { io.Copy(p.Conn, p.br) }

// switchOver makes p a tunnel.
func (p *peer) switchOver(request string) *peer {
	p.t.Helper()
	p.send(request)
	if head := p.head(); status(head) != 101 {
		p.t.Fatalf("want a 101, got %q", head)
	}
	return p
}

// says fails the test unless text comes back.
func (p *peer) says(text string) {
	p.t.Helper()
	p.send(text)
	if got := p.take(len(text)); got != text {
		p.t.Errorf("%q came back for %q", got, text)
	}
}

// Either side may end first, or fail: the other learns of it, what was under way
// arrives, and nothing stays behind.
func TestTunnelEnds(t *testing.T) {
	t.Run("caller", func(t *testing.T) {
		u := newTarget(t, chat(func(u *target, p *peer) {
			text, err := p.rest() // the caller's half
			p.send("bye")
			u.seen <- fmt.Sprint(text, err)
		}))
		p := start(t, bundle{target: u.address}).dial().switchOver(handshake())
		p.send("hello")
		p.Conn.(*net.TCPConn).CloseWrite()
		if got := u.next(); got != "hello<nil>" {
			t.Errorf("the target got %q", got)
		}
		if got, err := p.rest(); got != "bye" || err != nil {
			t.Errorf("the caller got %q, %v", got, err)
		}
	})
	t.Run("target", func(t *testing.T) {
		u := newTarget(t, chat(func(u *target, p *peer) {
			p.send("bye")
			p.Conn.(*net.TCPConn).CloseWrite()
			text, err := p.rest()
			u.seen <- fmt.Sprint(text, err)
		}))
		p := start(t, bundle{target: u.address}).dial().switchOver(handshake())
		if got, err := p.rest(); got != "bye" || err != nil {
			t.Errorf("the caller got %q, %v", got, err)
		}
		p.send("hello")
		p.Close()
		if got := u.next(); got != "hello<nil>" {
			t.Errorf("the target got %q", got)
		}
	})
	for _, side := range []string{"caller resets", "target resets"} {
		t.Run(side, func(t *testing.T) {
			cut := make(chan struct{})
			u := newTarget(t, chat(func(u *target, p *peer) {
				if side == "target resets" {
					<-cut
					p.Conn.(*net.TCPConn).SetLinger(0)
					return
				}
				p.rest()
				u.seen <- "ended"
			}))
			p := start(t, bundle{target: u.address}).dial().switchOver(handshake())
			if side == "target resets" {
				close(cut)
				p.rest()
				return
			}
			p.Conn.(*net.TCPConn).SetLinger(0)
			p.Close()
			u.next()
		})
	}
}

// Limits end tunnels, however much either side says, and the access line and
// the metrics tell which one it was.
func TestTunnelLimits(t *testing.T) {
	for _, tt := range []struct {
		name, upgrade string
		busy          bool
		reason, error string
	}{
		{"idle", "upgrade: {idle_timeout: 300ms}", false, "idle", "tunnel was silent for upgrade.idle_timeout"},
		{"max_duration", "upgrade: {max_duration: 400ms, idle_timeout: none}", true, "max_duration", "tunnel was open for upgrade.max_duration"},
		{"caller", "", false, "caller", ""},
		{"upstream", "", false, "upstream", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, chat(func(u *target, p *peer) {
				if tt.name == "upstream" {
					p.send("hi")
					return
				}
				echo(u, p)
			}))
			d := deploy(t, t.TempDir(), strings.Replace(bundle{target: u.address, upstream: tt.upgrade}.text(), "access: false", "access: true", 1))
			p := dial(t, d.http).switchOver(handshake("X-Request-Id: t-1"))
			switch {
			case tt.busy:
				for p.send("x") == nil && p.take(1) == "x" {
					pause(time.Millisecond)
				}
			case tt.name == "caller":
				p.says("hello")
				p.Conn.(*net.TCPConn).CloseWrite()
			}
			p.rest()
			p.Close()
			line := d.accessLine("t-1")
			if line["status"] != 101.0 || line["reason"] != tt.reason || line["error"] != tt.error {
				t.Errorf("access line %v", line)
			}
			if tt.name == "caller" && (line["sent"] != 5.0 || line["received"] != 5.0) {
				t.Errorf("bytes in the access line %v", line)
			}
			for series, want := range map[string]string{
				`postern_tunnels_total{api="test/1"}`:                                  "1",
				`postern_tunnels_open{api="test/1"}`:                                   "0",
				`postern_tunnels_ended_total{api="test/1",reason="` + tt.reason + `"}`: "1",
				`postern_requests_total{api="test/1",code="1xx"}`:                      "1",
				`postern_request_duration_seconds_bucket{api="test/1",le="0.25"}`:      "1",
				`postern_tunnel_sent_bytes_total{api="test/1"}`:                        fmt.Sprint(line["sent"]),
				`postern_tunnel_received_bytes_total{api="test/1"}`:                    fmt.Sprint(line["received"]),
			} {
				if got := d.metric(series); got != want {
					t.Errorf("%s %q, want %q", series, got, want)
				}
			}
		})
	}
}

// One side's silence does not end a tunnel in which the other speaks, and a side
// that does not read is silent at last.
func TestTunnelIdleIsOfBothSides(t *testing.T) {
	stop := make(chan struct{})
	u := newTarget(t, chat(func(_ *target, p *peer) {
		for {
			select {
			case <-stop:
				p.Conn.Write(make([]byte, 64<<20)) // until the tunnel ends
				return
			default:
				p.send(".")
				pause(20 * time.Millisecond)
			}
		}
	}))
	g := start(t, bundle{target: u.address, upstream: "upgrade: {idle_timeout: 1s}"})
	p := g.dial().switchOver(handshake())
	if got := p.take(100); got != strings.Repeat(".", 100) {
		t.Errorf("got %q", got)
	}
	close(stop)
	eventually(t, "the tunnel ends", func() bool { return g.server.open.Load() == 0 })
}

// No more tunnels than are allowed, over reloads too, whatever callers are
// bound to; the rest is told so.
func TestTunnelPlaces(t *testing.T) {
	u := newTarget(t, chat(echo))
	text := func(more string) string {
		return bundle{target: u.address, limits: "per_ip: {connections: 50}", upstream: "upgrade: {tunnels: 2}\n" + more}.text()
	}
	d := deploy(t, t.TempDir(), text(""))
	one, two := dial(t, d.http).switchOver(handshake()), dial(t, d.http).switchOver(handshake())
	wantStatus(t, d.do(handshake()), 503)
	d.applied(func() { d.write("postern.yaml", text("timeout: 29s")) })
	wantStatus(t, d.do(handshake()), 503)
	one.says("still here")
	two.says("still here")
	one.Close()
	eventually(t, "a place is free", func() bool {
		p := dial(t, d.http)
		p.send(handshake())
		return status(p.head()) == 101
	})
	two.says("still here")
}

// A tunnel is no request that is under way: max_pending has room for others.
func TestTunnelIsNotPending(t *testing.T) {
	u := newTarget(t, chat(echo))
	g := start(t, bundle{target: u.address, upstream: "max_pending: 1"})
	one, two := g.dial().switchOver(handshake()), g.dial().switchOver(handshake())
	one.says("hello")
	two.says("hello")
}

// A reload leaves tunnels alone, and their generation stays until they end.
func TestTunnelOutlivesReloads(t *testing.T) {
	u := newTarget(t, chat(echo))
	text := bundle{target: u.address}.text()
	d := deploy(t, t.TempDir(), text)
	p := dial(t, d.http).switchOver(handshake())
	d.applied(func() { d.write("postern.yaml", strings.ReplaceAll(text, u.address, "127.0.0.1:1")) })
	wantStatus(t, d.do(lines("GET / HTTP/1.1", "Host: x")), 502)
	p.says("still here")
	if n := len(d.generations()); n != 2 {
		t.Errorf("%d generations, want the tunnel's too", n)
	}
	p.Close()
	eventually(t, "the old generation ends", func() bool { return len(d.generations()) == 1 })
}

// A tunnel counts as running: a drain waits for it, and cuts it with its grace.
// That looks like an end and not like a failure.
func TestTunnelDrain(t *testing.T) {
	for _, ends := range []bool{true, false} {
		t.Run(fmt.Sprintf("ends by itself: %t", ends), func(t *testing.T) {
			u := newTarget(t, chat(echo))
			g := start(t, bundle{target: u.address})
			p := g.dial().switchOver(handshake())
			p.says("hello")
			stopped := make(chan error, 1)
			within := patience
			if !ends {
				within = 300 * time.Millisecond
			}
			go func() { stopped <- g.stop(within) }()
			eventually(t, "the drain has begun", func() bool { return g.server.draining.Load() })
			if ends {
				p.says("still here")
				p.Close()
			} else if text, err := p.rest(); text != "" || err != nil {
				t.Errorf("the end was %q, %v", text, err)
			}
			if err := <-stopped; (err == nil) != ends {
				t.Errorf("shutdown: %v", err)
			}
		})
	}
}

// TLS on both sides: large pieces both ways, half an end, records that came
// with the head.
func TestTunnelOverTLS(t *testing.T) {
	ca := newAuthority(t)
	_, _, pair := ca.issue("target", "127.0.0.1")
	u := newTargetOn(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}}, chat(func(_ *target, p *peer) {
		p.send("first")
		echo(nil, p)
	}))
	g := start(t, bundle{target: u.address, scheme: "https", upstream: fmt.Sprintf("tls: {ca: %q}", ca.file()), top: ca.secureTop("")})
	p := g.dialTLS(&tls.Config{RootCAs: ca.pool()}).switchOver(handshake())
	if got := p.take(5); got != "first" {
		t.Errorf("got %q", got)
	}
	p.SetDeadline(time.Now().Add(time.Minute))
	const size = 4 << 20
	sent := make(chan error, 1)
	go func() {
		_, err := io.CopyN(p.Conn, zeros(size), size)
		sent <- errors.Join(err, p.Conn.(interface{ CloseWrite() error }).CloseWrite())
	}()
	n, err := io.Copy(io.Discard, p.br)
	if n != size || err != nil || <-sent != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
}

// The tunnel ends with the caller's token, and only if that is wanted.
func TestTunnelEndsWithItsToken(t *testing.T) {
	key := newSigner(t, "k1")
	for _, wanted := range []bool{true, false} {
		t.Run(fmt.Sprint(wanted), func(t *testing.T) {
			i, u := openIssuer(t, key), newTarget(t, chat(echo))
			text := strings.Replace(orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q, clock_skew: none", i.URL+"/keys")),
				`/shop"}]}`, fmt.Sprintf(`/shop"}], upgrade: {close_on_expiry: %t}}`, wanted), 1)
			d := deploy(t, t.TempDir(), text)
			expires := time.Now().Add(2 * time.Second)
			token := key.sign(t, claims(i.URL, map[string]any{"exp": expires.Unix()}))
			head := strings.Replace(handshake("Authorization: Bearer "+token, "X-Request-Id: t-1"), "/chat", "/gateway/orders/1.0/orders", 1)
			wantStatus(t, d.do(strings.NewReplacer("Authorization", "X-Not", "t-1", "t-0").Replace(head)), 401)
			p := dial(t, d.http).switchOver(head)
			p.says("hello")
			if !wanted {
				p.silent(time.Until(expires) + 200*time.Millisecond)
				p.says("still here")
				return
			}
			p.rest()
			if line := d.accessLine("t-1"); line["reason"] != "token_expired" || line["sub"] != "alice" {
				t.Errorf("access line %v", line)
			}
		})
	}
}

// A thousand tunnels, cut in every way, leave nothing behind.
func TestTunnelsLeaveNothing(t *testing.T) {
	u := newTarget(t, chat(func(u *target, p *peer) {
		if b, _ := p.br.ReadByte(); b == 'r' {
			p.Conn.(*net.TCPConn).SetLinger(0)
		} else if b == 'e' {
			echo(u, p)
		}
	}))
	g := start(t, bundle{target: u.address})
	const tunnels, at = 1000, 50
	before := descriptors(t)
	done := make(chan struct{}, at)
	for n := range at {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range tunnels / at {
				p := g.dial()
				p.send(handshake())
				if status(p.head()) == 101 {
					p.end(n + i)
				}
				p.Close()
			}
		}()
	}
	for range at {
		<-done
	}
	eventually(t, "all connections have ended", func() bool { return g.server.open.Load() == 0 && u.open.Load() == 0 })
	eventually(t, "descriptors as before", func() bool { return descriptors(t) <= before })
	if open := g.upstreams()["test/1"].Open; open != 0 {
		t.Errorf("%d upstream connections are left", open)
	}
	if taken := g.live.Load().inFlight(); taken != 0 {
		t.Errorf("%d exchanges are left", taken)
	}
}

// end ends a tunnel in one of the ways there are.
func (p *peer) end(way int) {
	c := p.Conn.(*net.TCPConn)
	switch way % 6 {
	case 0: // at once
	case 1:
		c.SetLinger(0)
	case 2:
		p.send("e")
		p.says("hello")
		c.CloseWrite()
		p.rest()
	case 3:
		p.send("r") // the target resets
		p.rest()
	case 4:
		p.send("c") // the target closes
		p.rest()
	case 5:
		p.send("e" + repeat('x', 1<<20)) // and nothing is read
	}
}

// What bounds an exchange and its bodies ends with the 101.
func TestTunnelOutlivesTheExchangesLimits(t *testing.T) {
	u := newTarget(t, chat(echo))
	g := start(t, bundle{target: u.address, upstream: "timeout: 300ms\nidle_timeout: 300ms\nmax_duration: 300ms", limits: "idle_timeout: 300ms\nbody_timeout: 300ms"})
	p := g.dial().switchOver(handshake())
	p.silent(800 * time.Millisecond)
	p.says("still here")
}
