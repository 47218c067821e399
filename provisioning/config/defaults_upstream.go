package config

import "time"

func (u *Upstream) setDefaults() {
	for i := range u.Targets {
		setDefault(&u.Targets[i].Weight, 1)
	}
	setDefault(&u.Balance.Method, RoundRobin)
	setDefault(&u.Host, "target")
	if u.StripPrefix == nil {
		yes := true
		u.StripPrefix = &yes
	}
	setDefault(&u.ConnectTimeout, Duration(2*time.Second))
	setDefault(&u.Timeout, Duration(30*time.Second))
	setDefault(&u.IdleTimeout, Duration(60*time.Second))
	setDefault(&u.MaxDuration, None)
	if u.Upgrade == nil {
		u.Upgrade = new(Upgrade)
	}
	if !u.Upgrade.None {
		u.Upgrade.setDefaults()
	}
	setDefault(&u.Resolve, Duration(30*time.Second))
	setDefault(&u.KeepIdle, Duration(30*time.Second))
	setDefault(&u.SlowStart, None)
	u.setDefaultsOfFailure()
	if u.TLS != nil {
		setDefault(&u.TLS.MinVersion, "1.2")
	}
}

func (u *Upgrade) setDefaults() {
	if u.Protocols == nil {
		u.Protocols = []string{"websocket"}
	}
	setDefault(&u.IdleTimeout, Duration(time.Hour))
	setDefault(&u.MaxDuration, None)
}

// setDefaultsOfFailure fills in what is done about targets that fail.
func (u *Upstream) setDefaultsOfFailure() {
	if q := u.Queue; q != nil {
		setDefault(&q.Size, 100)
		setDefault(&q.Wait, Duration(time.Second))
	}
	if h := u.Health; h != nil {
		setDefault(&h.Interval, Duration(5*time.Second))
		setDefault(&h.Timeout, Duration(2*time.Second))
		setDefault(&h.Healthy, 2)
		setDefault(&h.Unhealthy, 3)
	}
	if u.Ejection == nil && len(u.Targets) > 1 {
		u.Ejection = new(Ejection)
	}
	if e := u.Ejection; e != nil && !e.None {
		setDefault(&e.Failures, 5)
		if e.On == nil {
			e.On = []string{"connect", "reset", "timeout", "502", "503", "504"}
		}
		setDefault(&e.Base, Duration(10*time.Second))
		setDefault(&e.Max, max(e.Base, Duration(5*time.Minute)))
		setDefault(&e.Floor, 0.5)
	}
	if r := u.Retry; r != nil {
		setDefault(&r.Attempts, 2)
		if r.On == nil {
			r.On = []string{"connect", "reset", "502", "503"}
		}
		setDefault(&r.Budget, 0.2)
		setDefault(&r.TryTimeout, None)
	}
	if c := u.CircuitBreaker; c != nil {
		setDefault(&c.Failures, 5)
		setDefault(&c.Open, Duration(10*time.Second))
	}
}
