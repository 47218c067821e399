// Package concurrency bounds how many requests of an API are under way at once.
// A few more may wait; the bound may follow how long requests take.
package concurrency

import (
	"errors"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// Why a request is refused, for the log.
var (
	errFull    = errors.New("as many requests as concurrency allows are under way")
	errQueue   = errors.New("as many requests as concurrency.queue allows wait")
	errTooLong = errors.New("waited for concurrency.queue.wait")
)

// Limiter is the places of one section. Generations share it as long as the
// section stays the same. It is safe for concurrent use.
type Limiter struct {
	places   places
	adaptive *adaptive // nil: the bound stays
	done     func(exchange.End)
}

// New makes the places of a section.
func New(cfg *config.Concurrency) *Limiter {
	l := &Limiter{}
	l.places.limit.Store(int64(cfg.Max))
	if q := cfg.Queue; q != nil {
		l.places.size, l.places.wait = int64(q.Size), q.Wait.Limit()
	}
	if a := cfg.Adaptive; a != nil {
		l.adaptive = newAdaptive(&l.places, int64(cfg.Max), a.Target.Limit())
	}
	l.done = func(exchange.End) { l.places.leave() }
	return l
}

// Limit is how many requests may be under way now.
func (l *Limiter) Limit() int64 { return l.places.limit.Load() }

// Pending is how many are, and Waiting how many wait to be.
func (l *Limiter) Pending() int64 { return l.places.pending.Load() }

// Waiting is how many requests wait for a place.
func (l *Limiter) Waiting() int64 { return l.places.waiting.Load() }

// Policy lets requests in that have a place, until the last byte of the answer;
// a tunnel gives its own back before its 101 is sent.
func (l *Limiter) Policy(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		if !l.places.try() {
			if err := l.await(x); err != nil {
				return err
			}
		}
		return l.serve(x, next)
	}
}

func (l *Limiter) serve(x *exchange.Exchange, next exchange.Handler) error {
	streams := false
	defer func() {
		if !streams {
			l.places.leave()
		}
	}()
	err := next(x)
	if l.adaptive != nil {
		l.judge(x, err)
	}
	if streams = err == nil && x.Answer.Status != 0 && x.Answer.Tunnel == nil; streams {
		x.AtEnd(l.done)
	}
	return err
}

// judge notes how long the upstream took, if that says how much it has to do:
// what fails at once does not, nor does how long a caller takes for its body.
func (l *Limiter) judge(x *exchange.Exchange, err error) {
	answered := err == nil && x.Answer.Status >= 200 && x.Answer.Status < 500
	if x.AnswerTime > 0 && (answered || errors.Is(err, problem.UpstreamTimeout)) {
		l.adaptive.note(time.Now(), x.AnswerTime)
	}
}

// await is where a request waits for a place.
func (l *Limiter) await(x *exchange.Exchange) error {
	end := time.Now().Add(l.places.wait)
	if !x.Deadline.IsZero() && x.Deadline.Before(end) {
		end = x.Deadline
	}
	if err := l.places.await(end); err != nil {
		if a := l.adaptive; a != nil && !a.refused.Load() {
			a.refused.Store(true)
		}
		return problem.Overloaded.Because(err)
	}
	if x.Conn != nil && x.Conn.Gone() {
		l.places.leave()
		return problem.CallerGone.Because(wire.ErrGone)
	}
	return nil
}
