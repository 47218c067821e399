package cache_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// What others ask for while it is fetched is fetched once, within bounds.
func TestCollapse(t *testing.T) {
	const asking = 5
	for _, tt := range []struct {
		name   string
		change func(*config.Cache)
		reply  reply
		err    error
		holds  time.Duration // before the leader's answer begins
		stalls time.Duration // before its body is read
		asked  int
		took   time.Duration // until all others are answered
	}{
		{"kept", nil, reply{200, fresh, "a", 0}, nil, 100 * time.Millisecond, 0, 1, 100 * time.Millisecond},
		{"a slow body", nil, reply{200, fresh, "a", 0}, nil, 0, 500 * time.Millisecond, 1, 500 * time.Millisecond},
		{"a body that is too slow", nil, reply{200, fresh, "a", 0}, nil, 0, time.Hour, 1 + asking, 1001 * time.Millisecond},
		{"a head that is too slow", nil, reply{200, fresh, "a", 0}, nil, time.Hour, 0, 1 + asking, 1001 * time.Millisecond},
		{"not kept", nil, reply{200, "", "a", 0}, nil, 100 * time.Millisecond, time.Hour, 1 + asking, 101 * time.Millisecond},
		{"failed", nil, reply{}, errors.New("broken"), 100 * time.Millisecond, 0, 1 + asking, 101 * time.Millisecond},
		{"room for two", func(c *config.Cache) { c.Collapse.Max = 2 }, reply{200, fresh, "a", 0}, nil, 100 * time.Millisecond, 0, 1 + asking - 2, 100 * time.Millisecond},
		{"none", func(c *config.Cache) { c.Collapse = &config.Collapse{None: true} }, reply{200, fresh, "a", 0}, nil, 100 * time.Millisecond, 0, 1 + asking, time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				_, h := build(t, section(tt.change), func(x *exchange.Exchange) error {
					wait := time.Millisecond // so that all others come before it ends
					if asked.Add(1) == 1 {
						wait = tt.holds
					}
					time.Sleep(wait)
					if tt.err != nil {
						return tt.err
					}
					tt.reply.write(x)
					return nil
				})
				var leader sync.WaitGroup
				leader.Go(func() {
					x := request(t, "GET", "/a", "")
					err := h(x)
					time.Sleep(tt.stalls)
					sent(x, err)
				})
				synctest.Wait()
				begun, done := time.Now(), make(chan string, asking)
				for range asking {
					go func() { done <- ask(t, h, "GET", "/a", "") }()
					synctest.Wait()
				}
				for range asking {
					<-done
				}
				if took := time.Since(begun); int(asked.Load()) != tt.asked || took != tt.took {
					t.Errorf("asked %d times, want %d; took %v, want %v", asked.Load(), tt.asked, took, tt.took)
				}
				leader.Wait()
			})
		})
	}
}

// Nobody waits a second time for what was not kept.
func TestNotWaitedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := build(t, section(nil), func(x *exchange.Exchange) error {
			time.Sleep(100 * time.Millisecond)
			reply{200, "", "a", 0}.write(x)
			return nil
		})
		for round, want := range []string{"200ms", "100ms", "100ms"} {
			begun, done := time.Now(), make(chan string, 3)
			for range cap(done) {
				go func() { done <- ask(t, h, "GET", "/a", "") }()
			}
			for range cap(done) {
				<-done
			}
			if took := fmt.Sprint(time.Since(begun)); took != want {
				t.Errorf("round %d took %s, want %s", round, took, want)
			}
		}
	})
}
