package upstream

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"postern/gateway/crash"
	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// upload sends a request's head and body while the answer may already arrive.
type upload struct {
	relay   wire.Relay
	caller  *wire.Conn
	running atomic.Bool  // the target has no reason to speak yet
	asking  atomic.Bool  // the caller holds its body back until it is told to continue
	whole   atomic.Bool  // the caller's body has been read to its end
	took    atomic.Int64 // nanoseconds from begun until it had been sent; 0: it has not
	begun   time.Time
	done    chan struct{}

	// Set before done is closed.
	readErr, writeErr error
}

// startUpload begins sending piece and the body of x over c.
func startUpload(c *conn, x *exchange.Exchange, piece *[]byte) *upload {
	up := &upload{caller: x.Conn, done: make(chan struct{}), begun: time.Now()}
	up.relay = wire.Relay{To: c.Conn, Body: x.Body, Chunked: x.Request.Chunked, Head: &x.Head, Whole: &up.whole}
	up.asking.Store(x.Request.Expect)
	up.running.Store(!x.Request.Expect)
	c.Busy, x.Conn.Busy = &up.running, &up.asking
	go up.run(c, piece)
	return up
}

func (up *upload) run(c *conn, piece *[]byte) {
	defer close(up.done)
	defer up.running.Store(false)
	defer func() {
		if p := recover(); p != nil {
			up.readErr = fmt.Errorf("panic while sending a request body: %s", crash.Text(p))
			c.Stop()
		}
	}()
	if up.asking.Load() {
		up.readErr, up.writeErr = up.ask(c, piece)
	}
	if up.readErr == nil && up.writeErr == nil {
		up.readErr, up.writeErr = up.relay.Run(piece)
	}
	if up.readErr == nil && up.writeErr == nil {
		up.took.Store(int64(max(time.Since(up.begun), 1)))
	}
	if up.readErr != nil {
		// The caller's body broke. Ending the connection without the last
		// chunk is how the target learns that what it has is not all.
		c.Stop()
	}
}

// ask sends the head and waits for the first byte of the body, which comes when
// the target has agreed or the caller's patience ends. Meanwhile the silence is
// the target's.
func (up *upload) ask(c *conn, piece *[]byte) (readErr, writeErr error) {
	if _, err := c.Write(*piece); err != nil {
		return nil, err
	}
	*piece = (*piece)[:0]
	_, err := up.caller.R.Peek(1)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	up.asking.Store(false)
	up.running.Store(true)
	return err, nil
}

// sentAt is when the upload had ended well; zero: it has not.
func (up *upload) sentAt() time.Time {
	if took := up.took.Load(); took != 0 {
		return up.begun.Add(time.Duration(took))
	}
	return time.Time{}
}

// end waits for the upload. When the answer came before the request was read,
// or c is not kept, it is stopped: nobody needs the rest. It reports whether
// the request was sent whole.
func (up *upload) end(c *conn, keep bool) bool {
	select {
	case <-up.done:
	default:
		up.stop(c, keep)
		<-up.done
	}
	up.caller.Busy = nil
	return up.readErr == nil && up.writeErr == nil && up.whole.Load()
}

// stop makes both sides of an upload that still runs fail, as far as they are
// of no more use.
func (up *upload) stop(c *conn, keep bool) {
	whole := up.whole.Load()
	if !whole || !keep {
		c.Stop()
	}
	if !whole && !up.relay.Body.Held() {
		up.caller.StopReading()
	}
}
