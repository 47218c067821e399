package gateway

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// sampler writes lines to the log that may come with every request: of each
// kind, which is a message and an API, the first ones in a span of time. Those
// left out are counted, and one line at the end of the span tells how many they
// were. What is left out allocates nothing and takes no lock.
type sampler struct {
	log   *zap.Logger
	mu    sync.Mutex // held while a kind is added
	kinds atomic.Pointer[map[kind]*tally]
}

type kind struct {
	level        zapcore.Level
	message, api string
}

// tally is what has become of the lines of a kind.
type tally struct {
	span    atomic.Int64 // the span of time that passed is of
	passed  atomic.Int64
	leftOut atomic.Int64 // not yet told of
}

const (
	sampleSpan  = 10 * time.Second
	sampleFirst = 10   // lines of a kind in a span
	sampleKinds = 1000 // beyond them, the APIs of a message are one
)

func newSampler(log *zap.Logger) *sampler {
	s := &sampler{log: log}
	s.kinds.Store(&map[kind]*tally{})
	return s
}

// check returns what the line is to be written with; nil when it shall not be.
func (s *sampler) check(level zapcore.Level, message, api string) *zapcore.CheckedEntry {
	if !s.log.Core().Enabled(level) || !s.pass(kind{level, message, api}) {
		return nil
	}
	return s.log.Check(level, message)
}

// pass counts a line and reports whether it is among the first ones.
func (s *sampler) pass(k kind) bool {
	t := (*s.kinds.Load())[k]
	if t == nil {
		k, t = s.add(k)
	}
	now := time.Now()
	span := now.UnixNano() / int64(sampleSpan)
	if before := t.span.Load(); before != span && t.span.CompareAndSwap(before, span) {
		t.passed.Store(0)
	}
	if t.passed.Add(1) <= sampleFirst {
		return true
	}
	if t.leftOut.Add(1) == 1 {
		end := time.Unix(0, (span+1)*int64(sampleSpan))
		time.AfterFunc(end.Sub(now), func() { s.tell(k, t) })
	}
	return false
}

// add makes room for a kind, within bounds. It returns the one that it counts
// as.
func (s *sampler) add(k kind) (kind, *tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.kinds.Load()
	if len(known) >= sampleKinds {
		k.api = ""
	}
	if t := known[k]; t != nil {
		return k, t
	}
	next := maps.Clone(known)
	next[k] = new(tally)
	s.kinds.Store(&next)
	return k, next[k]
}

// tell writes how many lines were left out since the last time.
func (s *sampler) tell(k kind, t *tally) {
	n := t.leftOut.Swap(0)
	if n == 0 {
		return
	}
	if c := s.log.Check(k.level, k.message); c != nil {
		c.Write(zap.String("api", k.api), zap.Int64("suppressed", n))
	}
}

// end tells of what is still to be told.
func (s *sampler) end() {
	for k, t := range *s.kinds.Load() {
		s.tell(k, t)
	}
}
