package upstream

import (
	"time"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// conn is a connection to a target, and the exchange that runs on it.
type conn struct {
	*wire.Conn
	upstream  *Upstream
	idleSince time.Time

	x      *exchange.Exchange
	answer wire.Response
	body   wire.Body
	head   []byte // the answer's head, kept while its lines are used
	upload *upload
	// release is finish, bound once so that an answer can carry it without
	// allocating.
	release func(clean bool)
}

// take prepares c for x.
func (c *conn) take(x *exchange.Exchange) {
	c.x, c.upload, c.answer = x, nil, wire.Response{}
	c.Watch, c.Until, c.Busy = x.Conn, x.Deadline, nil
	c.ReadLimit, c.WriteLimit = c.upstream.timeout, c.upstream.idleTimeout
}

// finish ends the exchange on c: the connection is kept when both messages are
// over and nothing is left on it.
func (c *conn) finish(clean bool) {
	x := c.x
	keep := clean && !c.answer.Close && c.body.Done() && c.R.Buffered() == 0 && !c.upstream.closed.Load()
	if up := c.upload; up != nil {
		keep = up.end(c, keep) && keep
	}
	c.x, c.upload, c.Watch, c.Busy = nil, nil, nil, nil
	if !keep || !c.Quiet() {
		c.close()
		return
	}
	c.upstream.pool.put(c, x.Shard, time.Now())
	if c.upstream.closed.Load() {
		c.upstream.pool.empty()
	}
}

// close ends the connection for good.
func (c *conn) close() {
	c.upstream.readers.Take(c.Conn)
	c.upstream.pool.open.Add(-1)
	_ = c.Conn.Close() // nothing was promised on it
}
