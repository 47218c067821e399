package upstream

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/metrics"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// fail has n requests in a row fail at m.
func fail(u *Upstream, m *member, n int) {
	for range n {
		u.judge(m, broken)
	}
}

func TestEjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepared(t, config.Upstream{Ejection: &config.Ejection{Failures: 3, Base: config.Duration(10 * time.Second), Max: config.Duration(30 * time.Second)}}, 1, 1, 1)
		m := u.members[1]
		fail(u, m, 2)
		u.judge(m, 200)
		fail(u, m, 2)
		if got := picks(u, 3); got != "abc" {
			t.Fatalf("%s: ejected before three failures in a row", got)
		}
		fail(u, m, 1)
		// Each time it is back one failure is enough, and it stays away longer.
		for _, seconds := range []int{10, 20, 30, 30} {
			time.Sleep(time.Duration(seconds)*time.Second - time.Millisecond)
			if got := picks(u, 4); got != "acac" && got != "caca" {
				t.Fatalf("%s within %d s: not ejected", got, seconds)
			}
			if s := u.Targets()[1]; s.State != metrics.Ejected || s.Why != "reset" || s.Until != time.Now().Add(time.Millisecond).UTC() {
				t.Fatalf("status %+v", s)
			}
			time.Sleep(time.Millisecond)
			if got := u.inTurn(time.Now()); got != 3 {
				t.Fatalf("%d targets in turn after %d s", got, seconds)
			}
			fail(u, m, 1)
		}
		// Having been well for as long, it begins at the base again.
		time.Sleep(time.Minute)
		u.judge(m, 200)
		fail(u, m, 2)
		if u.inTurn(time.Now()) != 3 {
			t.Fatal("one success does not count")
		}
		fail(u, m, 1)
		if until := m.away(time.Now()); until != time.Now().Add(10*time.Second) {
			t.Errorf("away until %v", until)
		}
		if n := u.Targets()[1].Ejections; n != 6 {
			t.Errorf("%d ejections", n)
		}
	})
}

// Whether a target that is back is well one request finds out, while the others
// go elsewhere.
func TestOneTrialAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepared(t, config.Upstream{Ejection: &config.Ejection{Failures: 1, Base: config.Duration(time.Second)}}, 1, 1)
		choose := func() *member {
			m, err := u.choose(&request{x: asked(), begun: time.Now()})
			if m == nil {
				t.Fatal(err)
			}
			return m
		}
		fail(u, u.members[0], 1)
		time.Sleep(time.Second)
		trials := 0
		for range 10 {
			if choose() == u.members[0] {
				trials++
			}
		}
		if trials != 1 {
			t.Errorf("%d of 10 requests at once went to a target that is on trial", trials)
		}
		// Without ejection, which a reload may bring, there are no trials.
		rules := u.ejection
		u.ejection = nil
		if a, b := choose(), choose(); a == b {
			t.Error("on trial although nobody is ejected")
		}
		u.ejection = rules
		u.judge(u.members[0], 200)
		if a, b := choose(), choose(); a == b {
			t.Error("after a success it does not get its share")
		}
	})
}

// Answers that go on and on, and tunnels, do not keep a target from coming back.
func TestStreamsAreNoTrials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepared(t, config.Upstream{Ejection: &config.Ejection{Failures: 1, Base: config.Duration(time.Second)}}, 1, 1)
		back := u.members[0]
		back.pending.Add(3)
		fail(u, back, 1)
		time.Sleep(time.Second)
		asks := func() (trial *request) {
			for range 4 {
				r := &request{x: asked(), begun: time.Now()}
				if m, _ := u.choose(r); m == back {
					trial = r
				}
			}
			return trial
		}
		for range 2 {
			r := asks()
			if r == nil {
				t.Fatal("no trial beside streams from before the ejection, or after a trial that said nothing")
			}
			if asks() != nil {
				t.Error("two trials at once")
			}
			u.note(back, r, unjudged)
		}
	})
}

func TestFloorOfTargetsInTurn(t *testing.T) {
	for _, tt := range []struct {
		targets int
		floor   config.Ratio
		left    int
	}{
		{2, 0.5, 1},
		{3, 0.5, 2},
		{3, 0.1, 1}, // one in any case
		{4, 1, 4},
		{10, 0.25, 3},
	} {
		weights := make([]int, tt.targets)
		u := prepared(t, config.Upstream{Ejection: &config.Ejection{Floor: tt.floor}}, weights...)
		for _, m := range u.members {
			fail(u, m, 100)
		}
		if got := u.inTurn(time.Now()); got != tt.left {
			t.Errorf("floor %v of %d: %d left, want %d", tt.floor, tt.targets, got, tt.left)
		}
	}
}

func TestWhatAFailureIs(t *testing.T) {
	for _, tt := range []struct {
		on   []string
		want []outcome
	}{
		{nil, []outcome{notConnected, broken, late, 502, 503, 504}},
		{[]string{"connect", "500"}, []outcome{notConnected, 500}},
		{[]string{"timeout", "599"}, []outcome{late, 599}},
	} {
		u := prepared(t, config.Upstream{Ejection: &config.Ejection{Failures: 1, On: tt.on, Floor: 0.01}}, 1, 1)
		var got []outcome
		for _, o := range []outcome{notConnected, broken, late, 200, 404, 499, 500, 501, 502, 503, 504, 599, 600} {
			u.judge(u.members[0], o)
			if u.inTurn(time.Now()) == 1 {
				got = append(got, o)
				u.members[0].health.until.Store(0)
			}
			u.members[0].health.failed.Store(0)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.on, diff)
		}
	}
}

func TestCircuitBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepared(t, config.Upstream{CircuitBreaker: &config.CircuitBreaker{Failures: 2, Open: config.Duration(5 * time.Second)}}, 1)
		ask := func(o outcome) bool {
			r := &request{x: asked(), begun: time.Now()}
			m, err := u.choose(r)
			if m == nil {
				if p := asProblem(err); p == nil {
					t.Fatal("neither a target nor a problem")
				}
				return false
			}
			told(r.done, o)
			m.pending.Add(-1)
			return true
		}
		for _, o := range []outcome{503, 200, unjudged, broken} {
			if !ask(o) {
				t.Fatalf("open before %v", o)
			}
		}
		ask(late) // the second in a row
		if ask(200) {
			t.Fatal("closed after two failures in a row")
		}
		if s := u.Targets()[0]; s.Circuit != "open" || s.Tried != time.Now().Add(5*time.Second).Truncate(0) {
			t.Errorf("status %+v", s)
		}
		time.Sleep(5*time.Second + time.Nanosecond)
		// One trial at a time.
		r := &request{x: asked(), begun: time.Now()}
		trial, _ := u.choose(r)
		if trial == nil || ask(200) {
			t.Fatal("want exactly one trial")
		}
		told(r.done, 503)
		if ask(200) {
			t.Fatal("closed after a trial that failed")
		}
		time.Sleep(5*time.Second + time.Nanosecond)
		for range 2 {
			if !ask(200) {
				t.Error("open after a trial that succeeded")
			}
		}
	})
}

// A caller who leaves no time for a connection does not open the circuit.
func TestWhoIsLateHarmsNoTarget(t *testing.T) {
	u := prepared(t, config.Upstream{
		Targets:     []config.Target{{URL: "http://127.0.0.1:1", Weight: 1}},
		MaxDuration: config.Duration(time.Minute), CircuitBreaker: &config.CircuitBreaker{Failures: 1},
	})
	for _, tt := range []struct {
		ago     time.Duration
		circuit string
	}{{2 * time.Minute, "closed"}, {0, "open"}} {
		caller, peer := net.Pipe()
		t.Cleanup(func() { caller.Close(); peer.Close() })
		x := asked("Host: h")
		x.Conn, x.Started, x.Request.Length = wire.NewConn(caller), time.Now().Add(-tt.ago), -1
		if u.Forward(x) == nil {
			t.Fatal("a connection to nobody")
		}
		if got := u.Targets()[0].Circuit; got != tt.circuit {
			t.Errorf("%v after the request came the circuit is %s, want %s", tt.ago, got, tt.circuit)
		}
	}
}

// A circuit that is open takes its target out of turn.
func TestCircuitOfOneOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := prepared(t, config.Upstream{Ejection: &config.Ejection{None: true}, CircuitBreaker: &config.CircuitBreaker{Failures: 1, Open: config.Duration(time.Second)}}, 1, 1)
		done, _ := u.members[0].breaker.allow()
		told(done, broken)
		if got := picks(u, 3); got != "bbb" {
			t.Errorf("%s, want bbb", got)
		}
		time.Sleep(time.Second + time.Nanosecond)
		if got := picks(u, 2); got != "ab" && got != "ba" {
			t.Errorf("%s, want both for the trial", got)
		}
	})
}
