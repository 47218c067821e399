package upstream

import (
	"fmt"
	"sync/atomic"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// upload sends a request's head and body while the answer may already arrive.
type upload struct {
	relay   wire.Relay
	running atomic.Bool
	whole   atomic.Bool // the caller's body has been read to its end
	done    chan struct{}

	// Set before done is closed.
	readErr, writeErr error
}

// startUpload begins sending piece and the body of x over c.
func startUpload(c *conn, x *exchange.Exchange, piece *[]byte) *upload {
	up := &upload{done: make(chan struct{})}
	up.relay = wire.Relay{To: c.Conn, Body: x.Body, Chunked: x.Request.Chunked, Head: &x.Head, Whole: &up.whole}
	up.running.Store(true)
	c.Busy = &up.running
	go up.run(c, piece)
	return up
}

func (up *upload) run(c *conn, piece *[]byte) {
	defer close(up.done)
	defer up.running.Store(false)
	defer func() {
		if p := recover(); p != nil {
			up.readErr = fmt.Errorf("panic while sending a request body: %v", p)
			c.Stop()
		}
	}()
	up.readErr, up.writeErr = up.relay.Run(piece)
	if up.readErr != nil {
		// The caller's body broke. Ending the connection without the last
		// chunk is how the target learns that what it has is not all.
		c.Stop()
	}
}

// end waits for the upload. When the answer came before the request was read,
// or c is not kept, it is stopped: nobody needs the rest. It reports whether
// the request was sent whole.
func (up *upload) end(c *conn, keep bool) bool {
	if !up.whole.Load() || !keep {
		c.Stop()
		if !up.whole.Load() {
			c.x.Conn.StopReading()
		}
	}
	<-up.done
	return up.readErr == nil && up.writeErr == nil && up.whole.Load()
}
