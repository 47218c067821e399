package upstream

import (
	"testing"
	"testing/synctest"
	"time"

	"postern/provisioning/config"
)

// The attempts share the timeout, and each has try_timeout as long as another
// can follow.
func TestTimesOfAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepared(t, config.Upstream{
			Timeout: config.Duration(10 * time.Second),
			Retry:   &config.Retry{Attempts: 3, TryTimeout: config.Duration(3 * time.Second)},
		}, 1, 1)
		get := &request{x: asked(), begun: time.Now()}
		for _, want := range []time.Duration{3 * time.Second, 3 * time.Second, 4 * time.Second} {
			get.tries++
			if got := u.limit(get); got != want {
				t.Errorf("attempt %d has %v, want %v", get.tries, got, want)
			}
			if u.expired(get) {
				t.Errorf("attempt %d is too late", get.tries)
			}
			time.Sleep(want)
		}
		if !u.expired(get) || u.again(get, notConnected) {
			t.Error("another attempt after the timeout")
		}
		post := &request{x: asked(), begun: time.Now(), tries: 1}
		post.x.HTTP.Request.Header.SetMethod("POST")
		if got := u.limit(post); got != 10*time.Second {
			t.Errorf("a request that nothing follows has %v", got)
		}
		u.retry.budget.left.Store(token - 1)
		if got := u.limit(&request{x: asked(), begun: time.Now(), tries: 1}); got != 10*time.Second {
			t.Errorf("without budget the attempt has %v", got)
		}
	})
}

// How often, and after what, a request is sent again.
func TestAgain(t *testing.T) {
	for _, tt := range []struct {
		name     string
		targets  int
		retry    *config.Retry
		outcomes []outcome
		tries    int
	}{
		{"well", 3, &config.Retry{Attempts: 3}, []outcome{200}, 1},
		{"the caller's fault", 3, &config.Retry{Attempts: 3}, []outcome{404}, 1},
		{"the caller has left", 3, &config.Retry{Attempts: 3}, []outcome{unjudged}, 1},
		{"every target once for a connection", 4, nil, []outcome{notConnected}, 4},
		{"the only target", 1, nil, []outcome{notConnected}, 1},
		{"the only target again", 1, &config.Retry{Attempts: 3}, []outcome{notConnected}, 3},
		{"attempts are bounded", 2, &config.Retry{Attempts: 3}, []outcome{broken}, 3},
		{"connections that failed are attempts", 3, &config.Retry{Attempts: 2}, []outcome{notConnected, broken}, 2},
		{"not among them", 3, &config.Retry{Attempts: 3}, []outcome{broken, late}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := prepared(t, config.Upstream{Retry: tt.retry}, make([]int, tt.targets)...)
			r := &request{x: asked(), begun: time.Now()}
			for {
				m, err := u.choose(r)
				if m == nil {
					t.Fatal(err)
				}
				m.pending.Add(-1)
				r.tries++
				if !u.again(r, tt.outcomes[min(r.tries, len(tt.outcomes))-1]) {
					break
				}
			}
			if r.tries != tt.tries {
				t.Errorf("sent %d times, want %d", r.tries, tt.tries)
			}
		})
	}
}
