package metrics

import (
	"slices"
	"sync/atomic"
	"time"
)

// TunnelEnds are the values of the label reason: who or what ended a tunnel.
var TunnelEnds = [...]string{"caller", "upstream", "idle", "max_duration", "token_expired", "shutdown"}

// Tunnels are the instruments of an API's tunnels: connections that have
// switched to another protocol. Their series appear with the first one.
type Tunnels struct {
	begun        Counter
	open         atomic.Int64
	ends         [len(TunnelEnds)]Counter
	milliseconds Counter

	// Received counts the bytes of callers and Sent those of upstreams, as they
	// pass.
	Received, Sent Counter
}

// Begin counts a tunnel that opens; End must follow.
func (t *Tunnels) Begin() {
	t.begun.Inc()
	t.open.Add(1)
}

// End counts a tunnel that has ended, for one of TunnelEnds.
func (t *Tunnels) End(reason string, after time.Duration) {
	t.open.Add(-1)
	t.milliseconds.AddInt64(max(after.Milliseconds(), 0))
	if i := slices.Index(TunnelEnds[:], reason); i >= 0 {
		t.ends[i].Inc()
	}
}

// familiesOfTunnels are those of the APIs that have had one.
func familiesOfTunnels() []ofAPI {
	return []ofAPI{
		{family{"postern_tunnels_open", "gauge", "Connections that speak another protocol than HTTP now."}, func(p *page, f family, a *API, labels string) {
			p.value(f, labels, float64(a.Tunnels.open.Load()))
		}},
		counterOfAPI("postern_tunnels_total", "Connections that have switched to another protocol.",
			func(a *API) *Counter { return &a.Tunnels.begun }),
		{family{"postern_tunnels_ended_total", "counter", "Tunnels that have ended, by who or what ended them."}, func(p *page, f family, a *API, labels string) {
			for i, reason := range TunnelEnds {
				p.count(f, labels+","+label("reason", reason), a.Tunnels.ends[i].Get())
			}
		}},
		{family{"postern_tunnel_seconds_total", "counter", "How long the tunnels that have ended were open, together."}, func(p *page, f family, a *API, labels string) {
			p.value(f, labels, float64(a.Tunnels.milliseconds.Get())/1000)
		}},
		counterOfAPI("postern_tunnel_received_bytes_total", "Bytes that callers have sent through tunnels.",
			func(a *API) *Counter { return &a.Tunnels.Received }),
		counterOfAPI("postern_tunnel_sent_bytes_total", "Bytes that callers were sent through tunnels.",
			func(a *API) *Counter { return &a.Tunnels.Sent }),
	}
}

// writeTunnels writes the series of the APIs that have had a tunnel.
func writeTunnels(p *page, names []string, apis map[string]*API) {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return apis[name].Tunnels.begun.Get() == 0 })
	if len(names) == 0 {
		return
	}
	for _, f := range familiesOfTunnels() {
		p.begin(f.family)
		for _, name := range names {
			f.write(p, f.family, apis[name], label("api", name))
		}
	}
}
