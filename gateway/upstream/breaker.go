package upstream

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"postern/provisioning/config"
)

// breaker is a target's circuit: closed, open, or half open for one trial.
// Asking it takes a lock of its own and allocates, which only those pay who
// configure it.
type breaker struct {
	section config.CircuitBreaker
	circuit *gobreaker.TwoStepCircuitBreaker[struct{}]
	until   atomic.Int64 // when an open one is tried, in nanoseconds; 0: it is not open
}

// errFailed is how a circuit is told of a failure.
var errFailed = errors.New("request failed")

func newBreaker(cfg *config.CircuitBreaker, changes *atomic.Uint64, log *zap.Logger) *breaker {
	b := &breaker{section: *cfg}
	failures, open := uint32(cfg.Failures), cfg.Open.Limit()
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     open,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errUnjudged) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				until := time.Now().Add(open)
				b.until.Store(until.UnixNano())
				log.Warn("circuit open", zap.Time("until", until))
			} else {
				b.until.Store(0)
			}
			if to == gobreaker.StateClosed {
				log.Info("circuit closed")
			}
			changes.Add(1)
		},
	})
	return b
}

// errUnjudged is how a circuit is told of a request that says nothing of the
// target.
var errUnjudged = errors.New("request was not the target's to answer")

// opens is when the circuit lets a request pass; zero: now.
func (b *breaker) opens(now time.Time) time.Time {
	if b == nil {
		return time.Time{}
	}
	if until := b.until.Load(); until > now.UnixNano() {
		return time.Unix(0, until)
	}
	return time.Time{}
}

// allow asks whether a request may go to the target. If so, done must be told
// how it went.
func (b *breaker) allow() (done func(error), ok bool) {
	if b == nil {
		return nil, true
	}
	done, err := b.circuit.Allow()
	return done, err == nil
}

// trouble are the outcomes that open a circuit.
var trouble = newTriggers([]string{"connect", "reset", "timeout", "502", "503", "504"})

// told tells a circuit how a request went.
func told(done func(error), o outcome) {
	switch {
	case done == nil:
	case o == unjudged:
		done(errUnjudged)
	case trouble.have(o):
		done(errFailed)
	default:
		done(nil)
	}
}
