package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"

	"postern/gateway/quota"
)

// Take counts a request under its key, for all copies together. It answers
// within the timeout. An error says that nobody knows whether the request was
// counted.
func (s *Store) Take(_ context.Context, r *quota.Rule, key []byte, now time.Time) (quota.Decision, error) {
	if s.live.Load() == nil { // as cheap as it can be
		s.counts.Away.Inc()
		return quota.Decision{}, ErrAway
	}
	if r.Smooth {
		return s.smooth(r, key)
	}
	return s.window(r, key, now)
}

// late is for how long a calendar window is kept beyond its end: copies whose
// clocks are late still count in it.
const late = 10 * time.Second

func (s *Store) window(r *quota.Rule, key []byte, now time.Time) (quota.Decision, error) {
	var end time.Time
	length := r.Per.Span
	if r.Per.Calendar != "" {
		now = now.Add(time.Duration(s.offset.Load())) // by the clock that all copies share
		end = r.End(now)
		length = end.Sub(now) + late
	}
	id := identify(r, key, end)
	reply, err := s.ask(s.scripts.window, id, r.Requests, millis(length))
	if err != nil {
		return quota.Decision{}, err
	}
	if !within(reply[2], millis(length)) || reply[0] == 1 && !within(reply[1], r.Requests) {
		return quota.Decision{}, errBounds
	}
	rest := time.Duration(reply[2]) * time.Millisecond
	if reply[0] == 1 {
		here := time.Now()
		s.seen.note(id, reply[1], here.Add(rest), here)
	}
	if r.Per.Calendar != "" {
		rest = end.Sub(now)
	}
	if reply[0] == 1 {
		return quota.Decision{Allowed: true, Remaining: r.Requests - reply[1], Reset: rest}, nil
	}
	return quota.Decision{Reset: rest, RetryAfter: rest, First: reply[3] == 1}, nil
}

func (s *Store) smooth(r *quota.Rule, key []byte) (quota.Decision, error) {
	id := identify(r, key, time.Time{})
	reply, err := s.ask(s.scripts.smooth, id, micros(r.Interval()), micros(r.Tolerance()), micros(r.Per.Span))
	if err != nil {
		return quota.Decision{}, err
	}
	most := r.Interval().Microseconds() + rounded
	if reply[0] == 1 {
		most = r.Burst
	}
	if !within(reply[1], r.Tolerance().Microseconds()+rounded) || !within(reply[2], most) {
		return quota.Decision{}, errBounds
	}
	ahead, other := time.Duration(reply[1])*time.Microsecond, reply[2]
	if reply[0] == 1 {
		here := time.Now()
		s.seen.note(id, reply[3], here.Add(ahead), here)
		return quota.Decision{Allowed: true, Remaining: other, Reset: ahead}, nil
	}
	return quota.Decision{Reset: ahead, RetryAfter: time.Duration(other) * time.Microsecond, First: reply[3] == 1}, nil
}

// errBounds: whoever answers does not count as the scripts do. Its numbers must not
// reach callers, nor be calculated with.
var errBounds = errors.New("answer is out of bounds")

// rounded is by how many µs an answer may be above its exact value.
const rounded = 2

func within(n, most int64) bool { return 0 <= n && n <= most }

// micros writes a span in µs, with its fraction.
func micros(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', 3, 64)
}

// identify names the counter of a key. Callers choose keys: that two of them have
// the same name must not be found by trying, and the name must not grow.
func identify(r *quota.Rule, key []byte, end time.Time) (id ident) {
	var room [256]byte
	name := binary.AppendUvarint(room[:0], uint64(len(r.ID)))
	name = append(name, r.ID...)
	switch {
	case r.Smooth:
		name = append(name, 's')
	case r.Per.Calendar != "":
		name = binary.AppendVarint(append(name, 'c'), end.Unix())
	default:
		name = append(name, 'w')
	}
	sum := sha256.Sum256(append(name, key...))
	copy(id[:], sum[:])
	return id
}

// name is the key of a counter in Redis.
func (s *Store) name(id ident) string {
	return s.cfg.Prefix + ":q:" + base64.RawURLEncoding.EncodeToString(id[:])
}

// ask lets Redis run a script on one counter, within the timeout.
func (s *Store) ask(script *redis.Script, id ident, args ...any) ([]int64, error) {
	begun := time.Now()
	deadline := begun.Add(s.timeout)
	n := s.live.Load()
	if n == nil {
		s.counts.Away.Inc()
		return nil, ErrAway
	}
	c := n.take(deadline)
	if c == nil {
		s.counts.Busy.Inc()
		return nil, ErrAway
	}
	reply, err := c.run(deadline, script, append([]any{s.name(id)}, args...)...)
	n.give(c, err)
	s.counts.Asked(time.Since(begun), err == nil)
	return reply, err
}
