package gateway

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"
)

// A gateway that shuts down lets requests finish, says that the connection
// ends, and closes the idle ones at once.
func TestDrain(t *testing.T) {
	finish := make(chan struct{})
	u := newTarget(t, func(u *target, p *peer) {
		for request := p.request(); request != ""; request = p.request() {
			u.seen <- request
			<-finish
			p.send(ok)
		}
	})
	g := start(t, bundle{target: u.address})
	idle, rested, busy := g.dial(), g.dial(), g.dial()
	busy.send(lines("GET / HTTP/1.1", "Host: x"))
	u.next()
	eventually(t, "three connections", func() bool { return g.server.open.Load() == 3 })
	stopped := make(chan error, 1)
	go func() { stopped <- g.stop(patience) }()
	for _, p := range []*peer{idle, rested} {
		if took := p.ended(); took > time.Second {
			t.Errorf("idle connection closed after %v", took)
		}
	}
	if c, err := net.Dial("tcp", g.address); err == nil {
		c.Close()
		t.Error("the listener still accepts")
	}
	close(finish)
	answer := busy.answer("GET")
	wantStatus(t, answer, 200)
	if field(answer, "Connection") != "close" {
		t.Errorf("answer %q", answer)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// What has not finished within the limit is cut, and looks cut.
func TestDrainCutsWhatDoesNotEnd(t *testing.T) {
	for _, c := range []struct{ name, request, sent string }{
		{"a stream", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"},
		{"a wait for the head", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"},
		{"an upload", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(_ *target, p *peer) {
				p.head()
				p.send(c.sent)
				p.rest()
			})
			g := start(t, bundle{target: u.address})
			p := g.dial()
			p.send(c.request)
			p.head()
			begun := time.Now()
			if err := g.stop(300 * time.Millisecond); err == nil {
				t.Error("shutdown says that everything had finished")
			}
			if took := time.Since(begun); took < 250*time.Millisecond || took > 2*time.Second {
				t.Errorf("shutdown took %v", took)
			}
			if _, err := p.rest(); err == nil {
				t.Error("the cut answer ends as if it were whole")
			}
			eventually(t, "upstream connection closed", func() bool { return u.open.Load() == 0 })
		})
	}
}

// A gateway that is told to stop before it has begun to accept does stop.
func TestShutdownBeforeServe(t *testing.T) {
	g := New(zap.NewNop())
	if err := g.Apply(load(t, bundle{target: "127.0.0.1:9"}.text())); err != nil {
		t.Fatal(err)
	}
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(t.Context()) }()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it serves on")
	}
}

// Over TLS, too, a connection that waits sees an orderly end, and a handshake
// that has begun is finished and followed by an answer.
func TestDrainOverTLS(t *testing.T) {
	ca, u := newAuthority(t), newTarget(t, always(ok))
	g := start(t, bundle{target: u.address, top: ca.secureTop("")})
	trusting := &tls.Config{RootCAs: ca.pool(), ServerName: "localhost"}
	idle, used := g.dialTLS(trusting), g.dialTLS(trusting)
	wantStatus(t, used.do(lines("GET / HTTP/1.1", "Host: x")), 200)
	begun := g.dial()
	eventually(t, "three connections", func() bool { return g.server.open.Load() == 3 })
	stopped := make(chan error, 1)
	go func() { stopped <- g.stop(patience) }()
	eventually(t, "the drain", g.server.draining.Load)
	late := newPeer(t, tls.Client(begun.Conn, trusting))
	answer := late.do(lines("GET / HTTP/1.1", "Host: x"))
	if wantStatus(t, answer, 200); field(answer, "Connection") != "close" {
		t.Errorf("answer %q", answer)
	}
	for name, p := range map[string]*peer{"idle": idle, "used": used, "late": late} {
		if text, err := p.rest(); text != "" || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		p.Close()
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
