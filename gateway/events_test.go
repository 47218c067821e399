package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// events is a script that answers with a stream, and sends what comes on next;
// what becomes of the connection is seen.
func events(next <-chan string) func(*target, *peer) {
	return func(u *target, p *peer) {
		head := p.head()
		if head == "" {
			return
		}
		u.seen <- head
		p.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n")
		gone := make(chan struct{})
		go func() { defer close(gone); p.br.ReadByte() }()
		for {
			select {
			case event, more := <-next:
				if !more {
					return
				}
				p.send(fmt.Sprintf("%x\r\n%s\r\n", len(event), event))
			case <-gone:
				u.seen <- "gone"
				return
			}
		}
	}
}

const subscribe = "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nLast-Event-ID: 41\r\n\r\n"

// event fails the test unless the next event that arrives is want, at once.
func (p *peer) event(want string) {
	p.t.Helper()
	want = fmt.Sprintf("%x\r\n%s\r\n", len(want), want)
	if got := p.take(len(want)); got != want {
		p.t.Errorf("event %q, want %q", got, want)
	}
}

// A stream of events lives as long as both ends do: over silence, and over
// reloads, even of its own target.
func TestEventsOutliveReloads(t *testing.T) {
	next := make(chan string)
	u := newTarget(t, events(next))
	text := bundle{target: u.address, upstream: "idle_timeout: none"}.text()
	d := deploy(t, t.TempDir(), text)
	p := dial(t, d.http)
	p.send(subscribe)
	wantStatus(t, p.head(), 200)
	if got := field(u.next(), "Last-Event-ID"); got != "41" {
		t.Errorf("the target got Last-Event-ID %q", got)
	}
	next <- "id: 42\ndata: one\n\n"
	p.event("id: 42\ndata: one\n\n")
	d.applied(func() { d.write("postern.yaml", strings.ReplaceAll(text, u.address, "127.0.0.1:1")) })
	wantStatus(t, d.do(lines("GET / HTTP/1.1", "Host: x")), 502)
	p.silent(300 * time.Millisecond)
	next <- "data: two\n\n"
	p.event("data: two\n\n")
	p.Close()
	if got := u.next(); got != "gone" {
		t.Errorf("the target saw %q", got)
	}
	eventually(t, "the old generation ends", func() bool { return len(d.generations()) == 1 })
}

// Whoever leaves, the other is told, also while nobody speaks.
func TestEventsEnd(t *testing.T) {
	for _, tt := range []struct {
		name, upstream string
		end            func(caller *peer, next chan string)
		cut            bool // by the gateway
	}{
		{name: "the caller leaves", end: func(p *peer, _ chan string) { p.Close() }, cut: true},
		{name: "the target leaves", end: func(_ *peer, next chan string) { close(next) }},
		{name: "silence", upstream: "idle_timeout: 300ms", end: func(*peer, chan string) {}, cut: true},
		{name: "max_duration", upstream: "max_duration: 300ms", end: func(*peer, chan string) {}, cut: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			next := make(chan string)
			u := newTarget(t, events(next))
			g := start(t, bundle{target: u.address, upstream: tt.upstream})
			p := g.dial()
			p.send(subscribe)
			wantStatus(t, p.head(), 200)
			u.next()
			tt.end(p, next)
			if tt.cut && u.next() != "gone" {
				t.Error("the target was not told")
			}
			if text, _ := p.rest(); strings.HasSuffix(text, "0\r\n\r\n") {
				t.Errorf("the stream looks whole: %q", text)
			}
			eventually(t, "the connection ends", func() bool { return g.server.open.Load() == 0 })
		})
	}
}

// A drain waits for streams and for long polls until its grace ends, then both
// ends are told.
func TestEventsDrain(t *testing.T) {
	next := make(chan string)
	u := newTarget(t, events(next))
	g := start(t, bundle{target: u.address})
	p := g.dial()
	p.send(subscribe)
	wantStatus(t, p.head(), 200)
	u.next()
	stopped := make(chan error, 1)
	begun := time.Now()
	const grace = 600 * time.Millisecond
	go func() { stopped <- g.stop(grace) }()
	eventually(t, "the drain has begun", func() bool { return g.server.draining.Load() })
	next <- "data: still here\n\n"
	p.event("data: still here\n\n")
	if text, _ := p.rest(); text != "" {
		t.Errorf("after the last event: %q", text)
	}
	if took := time.Since(begun); took < grace {
		t.Errorf("cut after %v, before the end of grace", took)
	}
	if got := u.next(); got != "gone" {
		t.Errorf("the target saw %q", got)
	}
	if err := <-stopped; err == nil {
		t.Error("shutdown does not tell that a stream was cut")
	}
}

// A long poll waits for its head as long as both sides do, over a reload too.
func TestLongPoll(t *testing.T) {
	answer := make(chan struct{})
	u := newTarget(t, func(u *target, p *peer) {
		for head := p.head(); head != ""; head = p.head() {
			u.seen <- head
			<-answer
			p.send(ok)
		}
	})
	text := bundle{target: u.address, upstream: "timeout: none\nidle_timeout: 100ms", limits: "idle_timeout: 100ms\nbody_timeout: 100ms"}.text()
	d := deploy(t, t.TempDir(), text)
	p := dial(t, d.http)
	p.send(lines("GET /poll HTTP/1.1", "Host: x"))
	u.next()
	d.applied(func() { d.write("postern.yaml", strings.ReplaceAll(text, u.address, "127.0.0.1:1")) })
	p.silent(500 * time.Millisecond)
	close(answer)
	wantStatus(t, p.answer("GET"), 200)
}

func TestLongPollerLeaves(t *testing.T) {
	u := newTarget(t, never)
	p := start(t, bundle{target: u.address, upstream: "timeout: none"}).dial()
	p.send(lines("GET /poll HTTP/1.1", "Host: x"))
	u.next()
	p.Close()
	if got := u.next(); got != "closed" {
		t.Errorf("the target saw %q", got)
	}
}
