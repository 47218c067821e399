package upstream

import (
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/metrics"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// Upstream forwards exchanges to the targets of one API. It is safe for
// concurrent use.
type Upstream struct {
	members []*member
	balance balance
	strip   bool

	connectTimeout, timeout time.Duration // 0: none
	idleTimeout, maximum    time.Duration
	replayable              int64        // bytes of a body that may be held for a repeat
	held                    atomic.Int64 // bytes of those that are
	requests                sync.Pool    // of those on their way

	ejection  *ejection // nil: none
	retry     *retry    // nil: none
	gate      *gate     // nil: no limit
	upgrades  upgrades
	health    *config.Health
	slowStart time.Duration // 0: none

	counts *metrics.API
	log    *zap.Logger

	changes *atomic.Uint64 // of what is known of targets; common to generations
	plan    atomic.Pointer[plan]
	mu      sync.Mutex // held while a plan is made, and while a target is ejected
}

// member is a target as one upstream uses it.
type member struct {
	*target
	index   int
	weight  int
	breaker *breaker // nil: none
}

// Options are what an upstream works with besides its section.
type Options struct {
	Limits config.Limits
	Counts *metrics.API // of the API
	Log    *zap.Logger  // of what happens to targets
	// Previous is the API's upstream so far, of which unchanged targets are
	// taken over with their connections and what is known of them; may be nil.
	Previous *Upstream
}

// New prepares an upstream; it opens nothing and starts nothing. Start must
// follow before the first request. The error is config.Faults with paths
// relative to the upstream's section.
func New(cfg config.Upstream, o Options) (*Upstream, error) {
	u := &Upstream{
		members:        make([]*member, len(cfg.Targets)),
		balance:        newBalance(cfg.Balance),
		strip:          cfg.StripPrefix == nil || *cfg.StripPrefix,
		connectTimeout: cfg.ConnectTimeout.Limit(),
		timeout:        cfg.Timeout.Limit(),
		idleTimeout:    cfg.IdleTimeout.Limit(),
		maximum:        cfg.MaxDuration.Limit(),
		replayable:     o.Limits.BufferedBody.Limit(),
		ejection:       newEjection(cfg.Ejection),
		retry:          newRetry(cfg.Retry),
		gate:           newGate(&cfg),
		upgrades:       newUpgrades(cfg.Upgrade),
		health:         cfg.Health,
		slowStart:      cfg.SlowStart.Limit(),
		counts:         o.Counts,
		log:            o.Log,
		changes:        new(atomic.Uint64),
	}
	if o.Previous != nil {
		u.changes, u.upgrades.taken = o.Previous.changes, o.Previous.upgrades.taken
	}
	readers := wire.NewReaders(int(o.Limits.HeaderSize.Limit()))
	for i := range cfg.Targets {
		m, err := u.member(&cfg, i, o.Previous)
		if err != nil {
			return nil, err
		}
		if m.readers == nil {
			m.readers = readers
		}
		u.members[i] = m
	}
	return u, nil
}

// member makes the target at index, or takes over the previous one.
func (u *Upstream) member(cfg *config.Upstream, index int, previous *Upstream) (*member, error) {
	t := cfg.Targets[index]
	address, err := url.Parse(t.URL)
	if err != nil {
		return nil, config.Faults{{Path: []any{"targets", index, "url"}, Message: err.Error()}}
	}
	m := &member{index: index, weight: t.Weight}
	section := sectionOf(cfg, index)
	old := previous.find(section)
	if old != nil {
		m.target = old.target
	} else {
		if m.target, err = newTarget(section, address); err != nil {
			return nil, err
		}
		m.target.changes, m.target.counts = u.changes, u.counts
	}
	if c := cfg.CircuitBreaker; c != nil {
		if old != nil && old.breaker != nil && old.breaker.section == *c {
			m.breaker = old.breaker
		} else {
			m.breaker = newBreaker(c, u.changes, u.log.With(zap.String("target", m.name)))
		}
	}
	return m, nil
}

// find looks for a target that is the same in every way that matters to its
// connections.
func (u *Upstream) find(s section) *member {
	if u == nil {
		return nil
	}
	for _, m := range u.members {
		if m.section.equal(s) {
			return m
		}
	}
	return nil
}

// Start makes the upstream a user of its targets, and begins what runs beside
// requests. It is called once, before the first request; Close must follow.
func (u *Upstream) Start() {
	for _, m := range u.members {
		m.users.Add(1)
		m.names.start()
		m.watch(u.health, u.log)
	}
}

// Close gives up the targets. Those that no other upstream uses close their idle
// connections and keep none from now on; running exchanges end by themselves.
func (u *Upstream) Close() error {
	for _, m := range u.members {
		if m.users.Add(-1) == 0 {
			m.close()
		}
	}
	return nil
}
