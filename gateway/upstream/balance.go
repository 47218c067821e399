package upstream

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/sticky"
	"postern/provisioning/config"
)

// balance is how an upstream with several targets chooses one.
type balance struct {
	method string
	key    *sticky.Key    // with config.ByHash
	turn   *atomic.Uint64 // counts choices
}

func newBalance(cfg config.Balance) balance {
	b := balance{method: cfg.Method, turn: new(atomic.Uint64)}
	if cfg.Method == config.ByHash {
		b.key = sticky.New(cfg.By)
	}
	return b
}

// plan is who is in turn, and in which order. It is immutable, and made anew
// when what is known of targets changes.
type plan struct {
	changes uint64    // as of which it was made
	until   time.Time // when it is to be made anew in any case; zero: never
	open    []*member // whom to ask; empty: every circuit is open
	weights []int     // of them, as they count now
	turns   []uint8   // indexes of open in smooth weighted order
	circuit time.Time // when the first open circuit may be tried
}

// pick chooses a target for x that is not among the tried ones, which are bits
// by member's index; nil: there is none.
func (u *Upstream) pick(x *exchange.Exchange, tried uint64, now time.Time) *member {
	if len(u.members) == 1 && u.members[0].breaker == nil {
		if tried != 0 {
			return nil
		}
		return u.members[0]
	}
	p := u.current(now)
	if len(p.turns) == 0 {
		return nil
	}
	var m *member
	switch u.balance.method {
	case config.LeastPending:
		m = p.least(u.balance.turn.Add(1), tried)
	case config.RandomTwo:
		m = p.randomTwo(tried)
	case config.ByHash:
		if hash, ok := u.balance.key.Of(x); ok {
			m = p.hashed(hash, tried)
			break
		}
		fallthrough
	default:
		m = p.next(u.balance.turn.Add(1)-1, tried)
	}
	if m == nil {
		m = u.spare(tried, now)
	}
	return m
}

// next takes turns.
func (p *plan) next(turn, tried uint64) *member {
	n := uint64(len(p.turns))
	for i := range n {
		if m := p.open[p.turns[(turn+i)%n]]; tried&(1<<m.index) == 0 {
			return m
		}
	}
	return nil
}

// least is who has the fewest exchanges for its weight, beginning with another
// one each time so that equals take turns.
func (p *plan) least(turn, tried uint64) (best *member) {
	load := 0.0
	n := uint64(len(p.open))
	for i := range n {
		at := (turn + i) % n
		m := p.open[at]
		if tried&(1<<m.index) != 0 {
			continue
		}
		if l := float64(m.pending.Load()+1) / float64(p.weights[at]); best == nil || l < load {
			best, load = m, l
		}
	}
	return best
}

// randomTwo is the less busy of two that were drawn by their weight.
func (p *plan) randomTwo(tried uint64) *member {
	a := p.open[p.turns[rand.IntN(len(p.turns))]]
	b := p.open[p.turns[rand.IntN(len(p.turns))]]
	if a == b || tried&(1<<a.index|1<<b.index) != 0 {
		b = p.next(rand.Uint64(), tried|1<<a.index)
	}
	switch {
	case tried&(1<<a.index) != 0:
		return b
	case b == nil || a.pending.Load() <= b.pending.Load():
		return a
	}
	return b
}

// hashed is who has the highest claim to a hash (weighted rendezvous): when a
// target goes, only what was its own moves.
func (p *plan) hashed(hash, tried uint64) (best *member) {
	lowest := 0.0
	for i, m := range p.open {
		if tried&(1<<m.index) != 0 {
			continue
		}
		part := sticky.Part(hash ^ m.seed)
		if claim := -math.Log(part) / float64(p.weights[i]); best == nil || claim < lowest {
			best, lowest = m, claim
		}
	}
	return best
}

// spare is a target out of turn, for a request that all others have failed.
func (u *Upstream) spare(tried uint64, now time.Time) *member {
	for _, m := range u.members {
		if tried&(1<<m.index) == 0 && m.breaker.opens(now).IsZero() {
			return m
		}
	}
	return nil
}

// current is the plan as of now.
func (u *Upstream) current(now time.Time) *plan {
	p := u.plan.Load()
	if p != nil && p.changes == u.changes.Load() && (p.until.IsZero() || now.Before(p.until)) {
		return p
	}
	if p == nil {
		u.mu.Lock()
	} else if !u.mu.TryLock() {
		return p // somebody else is at it
	}
	defer u.mu.Unlock()
	p = u.newPlan(now)
	u.plan.Store(p)
	return p
}

// newPlan finds out who is in turn. When no target is well, all are asked: one
// of them may still answer.
func (u *Upstream) newPlan(now time.Time) *plan {
	p := &plan{changes: u.changes.Load()}
	var closed []*member // circuits through which requests pass
	for _, m := range u.members {
		if opens := m.breaker.opens(now); !opens.IsZero() {
			p.again(opens)
			if p.circuit.IsZero() || opens.Before(p.circuit) {
				p.circuit = opens
			}
			continue
		}
		closed = append(closed, m)
		if until := m.away(now); !until.IsZero() {
			p.again(until)
		}
		if m.well(now) {
			p.open = append(p.open, m)
		}
	}
	if len(p.open) == 0 {
		p.open = closed
	}
	p.weigh(u.slowStart, now)
	p.turns = smooth(p.weights)
	return p
}

// again has the plan made anew at t.
func (p *plan) again(t time.Time) {
	if p.until.IsZero() || t.Before(p.until) {
		p.until = t
	}
}

// steps is in how many steps a target that comes back gets its share.
const steps = 10

// weigh finds what weights count now.
func (p *plan) weigh(slow time.Duration, now time.Time) {
	p.weights = make([]int, len(p.open))
	ramping := false
	for i, m := range p.open {
		p.weights[i] = m.weight * steps
		back := m.health.back.Load()
		if slow == 0 || back == 0 {
			continue
		}
		since := now.Sub(time.Unix(0, back))
		if since < 0 || since >= slow {
			continue
		}
		step := int(since*steps/slow) + 1 // of the steps
		if step < steps {
			p.weights[i] = m.weight * step
			p.again(time.Unix(0, back).Add(slow * time.Duration(step) / steps))
			ramping = true
		}
	}
	if !ramping {
		for i, m := range p.open {
			p.weights[i] = m.weight
		}
	}
}

// smooth is an order in which each index stands as often as its weight, spread
// as evenly as can be (nginx's smooth weighted round robin).
func smooth(weights []int) []uint8 {
	divisor, total := 0, 0
	for _, w := range weights {
		divisor, total = gcd(w, divisor), total+w
	}
	if total == 0 {
		return nil
	}
	total /= divisor
	order, credit := make([]uint8, 0, total), make([]int, len(weights))
	for range total {
		best := 0
		for i, w := range weights {
			credit[i] += w / divisor
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		order = append(order, uint8(best))
	}
	return order
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
