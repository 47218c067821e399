package gateway

import (
	"bufio"
	"io"
	"sync/atomic"
	"testing"
	"time"
)

// A tunnel in which nobody speaks holds no buffer, also after it has carried
// something both ways.
func TestIdleTunnelsAreCheap(t *testing.T) {
	if raced {
		t.Skip("the race detector's own memory would be measured")
	}
	const tunnels, each = 2000, 30 << 10
	u := newTarget(t, func(_ *target, p *peer) {
		p.br = bufio.NewReaderSize(p.Conn, 512)
		chat(echo)(nil, p)
	})
	g := startProcess(t, bundle{target: u.address})
	open := func() *peer {
		p := dial(t, g.address)
		p.br = bufio.NewReaderSize(p.Conn, 512)
		p.switchOver(handshake()).says("hello")
		return p
	}
	open()
	before := g.settled()
	var callers []*peer
	for range tunnels {
		callers = append(callers, open())
	}
	after := g.settled()
	perTunnel := (after - before) / tunnels
	t.Logf("RSS %d MiB, with %d idle tunnels %d MiB: %d bytes each", before>>20, tunnels, after>>20, perTunnel)
	if perTunnel > each {
		t.Errorf("%d bytes for each idle tunnel, want at most %d", perTunnel, each)
	}
	callers[tunnels/2].says("still here")
}

// Callers that do not read hold their targets back: what is sent stays in the
// buffers of the system, and the gateway holds a piece of it for each.
func TestTunnelsHoldBack(t *testing.T) {
	const tunnels, most = 50, 64 << 20
	var sent atomic.Int64
	u := newTarget(t, chat(func(_ *target, p *peer) {
		piece := make([]byte, 64<<10)
		for {
			n, err := p.Conn.Write(piece)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	g := startProcess(t, bundle{target: u.address})
	var callers []*peer
	for range tunnels {
		callers = append(callers, dial(t, g.address).switchOver(handshake()))
	}
	eventually(t, "nothing moves any more", func() bool {
		before := sent.Load()
		pause(300 * time.Millisecond)
		return sent.Load() == before
	})
	settled := sent.Load()
	rss := g.memory("VmHWM")
	t.Logf("%d MiB sent to %d callers that do not read, RSS at most %d MiB", settled>>20, tunnels, rss>>20)
	if !raced && rss > most {
		t.Errorf("the gateway took %d MiB, want at most %d", rss>>20, most>>20)
	}
	for _, p := range callers { // and all of it arrives
		p.SetDeadline(time.Now().Add(patience))
		if _, err := io.CopyN(io.Discard, p.br, settled/tunnels+1<<20); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkTunnel is how fast one tunnel carries 1 MiB there and back, beside
// the same over a connection without a gateway.
func BenchmarkTunnel(b *testing.B) {
	const size = 1 << 20
	carry := func(b *testing.B, p *peer) {
		data, back := make([]byte, size), make([]byte, size)
		p.SetDeadline(time.Time{})
		b.SetBytes(2 * size)
		for b.Loop() {
			go p.Conn.Write(data)
			if _, err := io.ReadFull(p.br, back); err != nil {
				b.Fatal(err)
			}
		}
	}
	turn := func(b *testing.B, p *peer) {
		for b.Loop() {
			p.says("hello")
		}
	}
	u := newTarget(b, chat(echo))
	direct := func(b *testing.B) *peer { return dial(b, u.address).switchOver(handshake()) }
	g := start(b, bundle{target: u.address})
	tunnel := func(b *testing.B) *peer { return g.dial().switchOver(handshake()) }
	b.Run("bulk/direct", func(b *testing.B) { carry(b, direct(b)) })
	b.Run("bulk/tunnel", func(b *testing.B) { carry(b, tunnel(b)) })
	b.Run("turn/direct", func(b *testing.B) { turn(b, direct(b)) })
	b.Run("turn/tunnel", func(b *testing.B) { turn(b, tunnel(b)) })
}
