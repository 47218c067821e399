package upstream

import (
	"time"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// conn is a connection to a target, and the exchange that runs on it.
type conn struct {
	*wire.Conn
	target    *target
	address   *address
	idleSince time.Time

	x        *exchange.Exchange
	upstream *Upstream // through which x came
	inside   bool      // x is counted by the upstream's gate
	answer   wire.Response
	body     wire.Body
	head     []byte // the answer's head, kept while its lines are used
	upload   *upload
	// release is finish, bound once so that an answer can carry it without
	// allocating.
	release func(clean bool)
}

// take prepares c for x, which waits for the answer's head as long as limit.
func (c *conn) take(u *Upstream, x *exchange.Exchange, limit time.Duration) {
	c.x, c.upstream, c.upload, c.answer = x, u, nil, wire.Response{}
	c.Watch, c.Until, c.Busy = x.Conn, x.Deadline, nil
	c.ReadLimit, c.WriteLimit = limit, u.idleTimeout
}

// finish ends the exchange on c: the connection is kept when both messages are
// over and nothing is left on it.
func (c *conn) finish(clean bool) {
	x, t := c.x, c.target
	keep := clean && !c.answer.Close && c.body.Done() && c.R.Buffered() == 0 && !t.closed.Load() && !c.address.gone.Load()
	if up := c.upload; up != nil {
		keep = up.end(c, keep) && keep
	}
	c.exit()
	if x.Answer.Tunnel != nil {
		c.upstream.upgrades.leave()
	}
	t.pending.Add(-1)
	c.x, c.upstream, c.upload, c.Watch, c.Busy = nil, nil, nil, nil, nil
	if !keep || !c.Quiet() || !t.pool.put(c, x.Shard, time.Now()) {
		c.close()
		return
	}
	if t.closed.Load() {
		t.pool.empty()
	}
}

// exit gives back x's place in the upstream's gate.
func (c *conn) exit() {
	if c.inside {
		c.inside = false
		c.upstream.gate.leave()
	}
}

// close ends the connection for good.
func (c *conn) close() {
	c.target.readers.Take(c.Conn)
	c.target.pool.open.Add(-1)
	_ = c.Conn.Close() // nothing was promised on it
}
