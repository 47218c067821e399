package upstream

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"postern/gateway/crash"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/wire"
)

// halfIdle bounds the silence of a tunnel of which one side has ended: what the
// other still has to say comes soon.
const halfIdle = 30 * time.Second

// tunnel carries bytes both ways between a caller and a target that have
// switched protocols, as they come: a side that does not read holds the other
// one back. It knows nothing of what they speak.
type tunnel struct {
	caller, target *wire.Conn
	begun          time.Time
	idle           time.Duration // 0: any silence
	until          time.Time     // zero: no end
	lifetime       ending        // when until has come
	last           atomic.Int64  // when the last byte moved, after begun
	half           atomic.Bool   // one side has ended
	end            atomic.Pointer[ending]
	timer          *time.Timer
}

// ending is why a tunnel ends: one of metrics.TunnelEnds, and an error where
// both sides would have gone on.
type ending struct {
	reason string
	err    error
}

var (
	endIdle     = ending{"idle", errors.New("tunnel was silent for upgrade.idle_timeout")}
	endMaximum  = ending{"max_duration", errors.New("tunnel was open for upgrade.max_duration")}
	endExpired  = ending{"token_expired", errors.New("the caller's token has expired")}
	endShutdown = ending{"shutdown", errors.New("tunnel was cut by the gateway's end")}
)

// tunnel carries the connection of an exchange whose 101 has been sent.
func (c *conn) tunnel(readers *wire.Readers) exchange.Tunnelled {
	x, limits, counts := c.x, &c.upstream.upgrades, &c.upstream.counts.Tunnels
	t := &tunnel{caller: x.Conn, target: c.Conn, begun: time.Now(), idle: limits.idle}
	if limits.maximum > 0 {
		t.until, t.lifetime = t.begun.Add(limits.maximum), endMaximum
	}
	if expires := x.Caller.Expires; limits.withToken && !expires.IsZero() && (t.until.IsZero() || expires.Before(t.until)) {
		t.until, t.lifetime = expires, endExpired
	}
	counts.Begin()
	up := &flow{tunnel: t, from: t.caller, to: t.target, readers: readers, counter: &counts.Received, fromName: "caller", toName: "upstream"}
	down := &flow{tunnel: t, from: t.target, to: t.caller, readers: c.target.readers, counter: &counts.Sent, fromName: "upstream", toName: "caller"}
	t.run(up, down)
	end := t.end.Load()
	result := exchange.Tunnelled{
		Sent: down.moved, Received: up.moved, Duration: time.Since(t.begun), Reason: end.reason, Err: end.err,
	}
	counts.End(end.reason, result.Duration)
	return result
}

// run returns when both directions have ended.
func (t *tunnel) run(up, down *flow) {
	t.caller.SetFree()
	t.target.SetFree()
	t.timer = time.AfterFunc(math.MaxInt64, t.check)
	defer t.timer.Stop()
	t.check()
	var other sync.WaitGroup
	other.Go(up.run)
	down.run()
	other.Wait()
}

// check ends a tunnel whose time has come, and otherwise looks again when it may
// have.
func (t *tunnel) check() {
	left, why := t.left(time.Now())
	switch {
	case why == nil:
	case left > 0:
		t.timer.Reset(left)
	default:
		t.stop(why)
	}
}

// left is how long the tunnel may go on, and what ends it then; nil: nothing.
func (t *tunnel) left(now time.Time) (left time.Duration, why *ending) {
	left = math.MaxInt64
	idle := t.idle
	if t.half.Load() && (idle == 0 || idle > halfIdle) {
		idle = halfIdle
	}
	if idle > 0 {
		left, why = idle-now.Sub(t.begun)+time.Duration(t.last.Load()), &endIdle
	}
	if !t.until.IsZero() && t.until.Sub(now) < left {
		left, why = t.until.Sub(now), &t.lifetime
	}
	return left, why
}

// stop makes both directions end. The first reason is the one that counts.
func (t *tunnel) stop(why *ending) {
	t.end.CompareAndSwap(nil, why)
	t.caller.Stop()
	t.target.Stop()
}

// over notes that one direction has ended while the other may go on.
func (t *tunnel) over(why *ending) {
	t.end.CompareAndSwap(nil, why)
	if !t.half.Swap(true) {
		t.last.Store(int64(time.Since(t.begun)))
		t.check()
	}
}

// flow is one direction of a tunnel.
type flow struct {
	tunnel           *tunnel
	from, to         *wire.Conn
	fromName, toName string
	readers          *wire.Readers // whose reader from has
	counter          *metrics.Counter
	moved            int64
}

// run carries until from has no more, or a side fails. A side to which nothing
// can be sent may still have something to say, which the other direction reads
// to its end.
func (f *flow) run() {
	defer func() {
		if p := recover(); p != nil {
			f.tunnel.stop(&ending{f.fromName, fmt.Errorf("panic in a tunnel: %s", crash.Text(p))})
		}
	}()
	readErr, writeErr := f.carry()
	switch {
	case errors.Is(readErr, wire.ErrGone), errors.Is(writeErr, wire.ErrGone):
		f.tunnel.stop(&endShutdown) // nobody else stops connections; the tunnel itself has noted why
	case writeErr != nil:
		f.tunnel.over(&ending{f.toName, fmt.Errorf("write to %s: %w", f.toName, writeErr)})
	case readErr != io.EOF:
		f.tunnel.stop(&ending{f.fromName, fmt.Errorf("read from %s: %w", f.fromName, readErr)})
	default:
		f.tunnel.over(&ending{reason: f.fromName}) // before the other side hears of it, and ends too
		_ = f.to.CloseWrite()                      // one that is closed already shows in the other direction
	}
}

// carry moves what came behind the head, and then what comes.
func (f *flow) carry() (readErr, writeErr error) {
	early, _ := f.from.R.Peek(f.from.R.Buffered())
	if err := f.write(early); err != nil {
		return nil, err
	}
	f.readers.Take(f.from)
	for {
		piece, err := f.from.ReadPiece()
		if err != nil {
			return err, nil
		}
		err = f.write(*piece)
		wire.PutPiece(piece)
		if err != nil {
			return nil, err
		}
	}
}

func (f *flow) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := f.to.Write(b)
	f.moved += int64(n)
	f.counter.Add(n)
	f.tunnel.last.Store(int64(time.Since(f.tunnel.begun)))
	return err
}
