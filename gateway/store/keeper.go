package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"postern/gateway/crash"
)

// How the keeper goes about it. A store settles for longer than any copy waits
// between two attempts, so that all have told what they know.
const (
	firstPause = 50 * time.Millisecond // between attempts to connect; it doubles
	maxPause   = 500 * time.Millisecond
	settleTime = 3 * time.Second
	beat       = time.Second          // between looks at a session
	steady     = 10 * time.Second     // a session this long was a good one
	memory     = 400 * 24 * time.Hour // kept by every look
	batch      = 100                  // counters told at once
)

var (
	errClosed    = errors.New("closed")
	errForgotten = errors.New("lost its memory")
)

// keep connects again and again, until ctx ends.
func (s *Store) keep(ctx context.Context) {
	defer close(s.done)
	for pause := firstPause; ctx.Err() == nil; {
		begun := time.Now()
		err := s.guarded(ctx)
		if ctx.Err() != nil {
			return
		}
		s.turn(Away, err)
		if time.Since(begun) > steady {
			pause = firstPause
		}
		s.wait(ctx, pause+rand.N(pause/5))
		pause = min(2*pause, maxPause)
	}
}

// guarded is hold, which no panic leaves.
func (s *Store) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic while watching the store", crash.Fields(p))
			err = errors.New("panic")
		}
	}()
	return s.hold(ctx)
}

func (s *Store) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// hold has one session, from connecting to its end, and tells why that came.
func (s *Store) hold(ctx context.Context) error {
	c, err := s.join(ctx)
	if err == nil {
		err = s.settle(ctx, c)
	}
	if err != nil {
		if c != nil {
			c.close()
		}
		return err
	}
	n := newSession(s.cfg.Connections)
	n.gone = func() { s.live.CompareAndSwap(n, nil) }
	defer n.end(errClosed)
	n.add(c)
	s.live.Store(n)
	s.turn(Up, nil)
	return s.attend(ctx, n)
}

// join opens a connection, logs in, and sees that Redis takes a write in time.
// After an error of the question, the connection is returned for closing.
func (s *Store) join(ctx context.Context) (*conn, error) {
	c, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	if _, _, err = s.look(c, s.cfg.ConnectTimeout.Limit()); err == nil {
		_, _, err = s.look(c, s.timeout)
	}
	return c, err
}

// look asks since when Redis remembers and for how long that has been, and how
// its clock stands.
func (s *Store) look(c *conn, limit time.Duration) (born int64, age time.Duration, err error) {
	begun := time.Now()
	reply, err := c.run(begun.Add(limit), s.scripts.memory, s.cfg.Prefix+":since", millis(memory))
	if err != nil {
		return 0, 0, err
	}
	now := time.UnixMilli(reply[1]).Add(time.Duration(reply[2]) * time.Microsecond)
	here := begun.Add(time.Since(begun) / 2)
	s.offset.Store(int64(now.Sub(here)))
	return reply[0], time.Duration(reply[1]-reply[0]) * time.Millisecond, nil
}

// settle tells a Redis that does not remember what this copy knows, and waits
// until the others have had the time to.
func (s *Store) settle(ctx context.Context, c *conn) error {
	born, age, err := s.look(c, s.timeout)
	if err != nil || born == s.born {
		return err
	}
	if err := s.restore(c); err != nil {
		return err
	}
	for age < settleTime {
		s.turn(Settling, nil)
		s.wait(ctx, min(settleTime-age, beat))
		var again int64
		if again, age, err = s.look(c, s.timeout); err != nil {
			return err
		}
		if again != born || ctx.Err() != nil {
			return errForgotten
		}
	}
	s.born = born
	return nil
}

// restore tells Redis all counters that this copy knows.
func (s *Store) restore(c *conn) error {
	now := time.Now()
	var keys, args []any
	send := func() error {
		if len(keys) == 0 {
			return nil
		}
		all := append(append([]any{len(keys)}, keys...), args...)
		_, err := c.run(time.Now().Add(s.cfg.ConnectTimeout.Limit()), s.scripts.restore, all...)
		keys, args = nil, nil
		return err
	}
	for id, a := range s.seen.known(now) {
		keys = append(keys, s.name(id))
		args = append(args, a.value, millis(time.Unix(0, a.ends).Sub(now)))
		if len(keys) == batch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// millis writes a span in ms, at least one.
func millis(d time.Duration) int64 { return max(d.Milliseconds(), 1) }

// attend replaces connections that have broken and looks after the session until
// it ends.
func (s *Store) attend(ctx context.Context, n *session) error {
	ticks := time.NewTicker(beat)
	defer ticks.Stop()
	missing := s.cfg.Connections - 1
	for {
		for ; missing > 0; missing-- {
			if err := s.extend(ctx, n); err != nil {
				break // the others go on; once more after a beat
			}
		}
		select {
		case <-ctx.Done():
			return errClosed
		case <-n.ended:
			return n.cause
		case <-n.broken:
			missing++
		case <-ticks.C:
			s.check(n)
		}
	}
}

// extend adds a connection to the session. When that fails and there is no
// other, the session has ended.
func (s *Store) extend(ctx context.Context, n *session) error {
	c, err := s.join(ctx)
	if err == nil {
		var born int64
		if born, _, err = s.look(c, s.timeout); err == nil && born != s.born {
			n.end(errForgotten)
			err = errForgotten
		}
	}
	if err == nil {
		n.add(c)
		return nil
	}
	if c != nil {
		c.close()
	}
	if n.open.Load() == 0 {
		n.end(err)
	}
	return err
}

// check looks at a session through one of its connections, unless all are busy.
func (s *Store) check(n *session) {
	select {
	case c := <-n.free:
		born, _, err := s.look(c, s.timeout)
		n.give(c, err)
		if err == nil && born != s.born {
			n.end(errForgotten)
		}
	default:
	}
}
