// Package cache answers requests from what upstreams have said before, as HTTP
// caching (RFC 9111) has it for a cache that many share, or for a fixed time.
//
//	cache.go    the policy: from the store, or from upstream and into it
//	look.go     one request's look into the store, with what it asks for
//	key.go      what tells its answer from others
//	fresh.go    which answers are kept, and for how long
//	control.go  Cache-Control
//	entry.go    an answer that is kept
//	fill.go     an answer on its way into the store
//	hit.go      an answer from the store
//	store.go    the memory, room.go its bounds
package cache

import (
	"bytes"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// policy is one section at work.
type policy struct {
	parts
	store  *Store
	ttl    time.Duration
	copies copies
	looks  sync.Pool
}

// Policy builds the policy of a section on its store. The error is config.Faults.
func (s *Store) Policy(cfg *config.Cache, bodies *message.Bodies) (exchange.Policy, error) {
	c := &policy{store: s, ttl: time.Duration(cfg.TTL)}
	c.parts = parts{shared: cfg.Key.Caller == "shared", fixed: cfg.Mode == "ttl", bodies: bodies}
	for _, h := range cfg.Key.Headers {
		c.headers = append(c.headers, part{lower(h.Name), h.Only})
	}
	for _, q := range cfg.Key.Query {
		c.query = append(c.query, part{q.Name, q.Only})
	}
	var faults config.Faults
	for i := range cfg.Key.Payload {
		k := &cfg.Key.Payload[i]
		expression, err := message.Compile(k.Rule())
		if err != nil {
			faults = append(faults, config.Below(err, "key", "payload", i)...)
			continue
		}
		c.payload = append(c.payload, payload{expression, k.Only})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error { return c.serve(x, next) }
	}, nil
}

func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

func (c *policy) serve(x *exchange.Exchange, next exchange.Handler) error {
	l, _ := c.looks.Get().(*look)
	if l == nil {
		l = new(look)
	}
	defer func() {
		*l = look{key: l.key[:0]}
		c.looks.Put(l)
	}()
	l.epoch = c.store.epoch(x.Path)
	l.version = l.epoch.Load()
	switch c.kindOf(x, l) {
	case ignored:
		return passed(x, next, own+"; fwd=bypass")
	case changes:
		return c.change(x, l, next)
	}
	l.asked.sent = time.Now()
	l.asked.now = l.asked.sent
	l.control = control{maxAge: unsaid, minFresh: unsaid}
	if !c.fixed {
		if l.control = readControl(&x.Head); l.control.noStore {
			return passed(x, next, own+"; fwd=request")
		}
	}
	var keep bool
	var err error
	if l.key, keep, err = c.appendKey(l.key, x, l); err != nil {
		return err
	}
	if !keep {
		return passed(x, next, own+"; fwd=bypass")
	}
	return c.ask(x, l, next)
}

// passed is a request that the store has nothing to do with.
func passed(x *exchange.Exchange, next exchange.Handler, how string) error {
	err := next(x)
	if err == nil && x.Answer.Tunnel == nil {
		tell(x, how)
	}
	return err
}

// change is a request that ends what is kept of its path, once it has succeeded.
func (c *policy) change(x *exchange.Exchange, l *look, next exchange.Handler) error {
	err := passed(x, next, own+"; fwd=method")
	if err == nil && x.Answer.Status >= 200 && x.Answer.Status < 400 {
		l.epoch.Add(1)
	}
	return err
}

// ask answers from the store, or from upstream.
func (c *policy) ask(x *exchange.Exchange, l *look, next exchange.Handler) error {
	f := c.store.look(x, l, !x.HTTP.IsHead())
	if l.good(f.entry) {
		return c.hit(x, l, f.entry)
	}
	collapsed := false
	if f.flight != nil && !f.leads {
		if err := c.await(x, f.flight); err != nil {
			return err
		}
		collapsed = true
		l.asked.sent = time.Now()
		l.asked.now = l.asked.sent
		f = c.store.look(x, l, false)
		if l.good(f.entry) {
			c.store.hits.Add(1)
			l.conditions(&x.Head, false)
			c.answer(x, l, f.entry)
			tell(x, own+"; fwd=uri-miss; collapsed")
			return nil
		}
	}
	c.store.misses.Add(1)
	l.told = reason(f, l, collapsed)
	return c.forward(x, l, f, next)
}

func (c *policy) hit(x *exchange.Exchange, l *look, e *entry) error {
	c.store.hits.Add(1)
	l.conditions(&x.Head, false)
	c.answer(x, l, e)
	tellHit(x, e.left(l.asked.now))
	return nil
}

// await waits for another request's answer, but not for long.
func (c *policy) await(x *exchange.Exchange, f *flight) error {
	wait := c.store.wait
	if !x.Deadline.IsZero() {
		wait = min(wait, time.Until(x.Deadline))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
	}
	if x.Conn != nil && x.Conn.Gone() {
		return problem.CallerGone.Because(wire.ErrGone)
	}
	return nil
}

// why is what is said of a request that goes upstream, and that with its answer
// being kept.
type why [2]string

// reason is why the upstream is asked (RFC 9211 2.2).
func reason(f found, l *look, collapsed bool) why {
	switch {
	case f.entry != nil && f.entry.left(l.asked.sent) > 0:
		return why{own + "; fwd=request", own + "; fwd=request; stored"}
	case f.entry != nil:
		return why{own + "; fwd=stale", own + "; fwd=stale; stored"}
	case f.known:
		return why{own + "; fwd=vary-miss", own + "; fwd=vary-miss; stored"}
	case collapsed:
		return why{own + "; fwd=uri-miss; collapsed", own + "; fwd=uri-miss; collapsed; stored"}
	}
	return why{own + "; fwd=uri-miss", own + "; fwd=uri-miss; stored"}
}

// forward asks the upstream, with the validators of what is kept if that is stale.
func (c *policy) forward(x *exchange.Exchange, l *look, f found, next exchange.Handler) error {
	var fill *fill // of HEAD nothing can be kept
	if !x.HTTP.IsHead() {
		fill = c.fill(x, l, f)
	}
	stale := f.entry
	if stale != nil && (fill == nil || stale.tag == nil && stale.modified == nil) {
		stale = nil
	}
	if stale != nil {
		l.conditions(&x.Head, true)
		condition(&x.Head, stale)
	}
	err := next(x)
	if err != nil || x.Answer.Status == 0 || x.Answer.Tunnel != nil || fill == nil {
		c.abandon(fill)
		if err == nil && x.Answer.Tunnel == nil {
			tell(x, l.told[0])
		}
		return err
	}
	l.asked.now = time.Now()
	if stale != nil && unchanged(x) {
		c.confirm(x, l, fill, stale)
		return nil
	}
	c.consider(x, l, fill)
	return nil
}

func (c *policy) abandon(f *fill) {
	if f != nil {
		f.giveUp()
	}
}

// consider keeps an answer that may be kept, and lets it go on.
func (c *policy) consider(x *exchange.Exchange, l *look, f *fill) {
	born, keep := c.judge(x, l)
	a := &x.Answer
	whole := a.Body == nil || !a.Body.Held() && (a.Body.Chunked() || a.Length >= 0) // no end by the connection's end alone
	if !keep || !whole || !f.begin(x, newEntry(x, l, born)) {
		f.giveUp()
		tell(x, l.told[0])
		return
	}
	tell(x, l.told[1])
}

// condition asks whether what is kept is still so, in place of what the caller
// asks.
func condition(head *wire.Head, e *entry) {
	head.Del(fasthttp.HeaderIfNoneMatch)
	head.Del(fasthttp.HeaderIfModifiedSince)
	if e.tag != nil {
		head.AddBytes(fasthttp.HeaderIfNoneMatch, e.tag)
	}
	if e.modified != nil {
		head.AddBytes(fasthttp.HeaderIfModifiedSince, e.modified)
	}
}

// confirm gives what is kept, which the upstream says is still so, with what it
// says of it now (RFC 9111 4.3.4).
func (c *policy) confirm(x *exchange.Exchange, l *look, f *fill, stale *entry) {
	a := &x.Answer
	renewed := stale.renewed(&a.Head)
	a.Head.Reset()
	a.Head.Join(&renewed)
	status := a.Status
	a.Status, a.Reason = stale.status, stale.reason
	born, keep := c.judge(x, l)
	e := newEntry(x, l, born)
	e.body, e.trailers = stale.body, stale.trailers
	a.Status = status
	drop(x)
	c.store.forget(l.key, stale)
	told := own + "; fwd=stale; fwd-status=304"
	if keep && f.take(e.size+int64(len(e.body)+len(e.trailers)+len(f.key))+recordSize) {
		f.entry, f.data = e, e.body
		f.keep()
		told += "; stored"
	} else {
		f.giveUp()
	}
	c.answer(x, l, e)
	tell(x, told)
}

// renewed is the head that is kept, with the fields of a 304 in place of its own,
// but for those that tell of the body.
func (e *entry) renewed(head *wire.Head) (merged wire.Head) {
	e.head.Visit(func(name, value []byte) {
		if ofBody(name) || !is(name, "date") && !holds(head, name) {
			merged.AddBytes(string(name), value)
		}
	})
	head.Visit(func(name, value []byte) {
		if !ofBody(name) {
			merged.AddBytes(string(name), value)
		}
	})
	return merged
}

func holds(head *wire.Head, name []byte) (yes bool) {
	head.Visit(func(other, _ []byte) { yes = yes || bytes.EqualFold(other, name) })
	return yes
}

// ofBody is a field that a 304 cannot change.
func ofBody(name []byte) bool {
	for _, of := range [...]string{"content-encoding", "content-type", "content-range", "content-length", "content-language"} {
		if is(name, of) {
			return true
		}
	}
	return false
}
