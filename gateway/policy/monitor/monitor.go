// Package monitor counts requests in intervals, tells of each interval how they
// went, and alerts when that is not as it should be.
package monitor

import (
	"cmp"
	"sync"
	"time"

	"go.uber.org/zap"

	"postern/gateway/crash"
	"postern/gateway/destination"
	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// Site is what a gateway has for it.
type Site struct {
	API           *config.API
	Applications  []config.Application
	Node          string                     // names the gateway's host
	Report, Alert []*destination.Destination // of figures, and of alerts
	// Tell writes an alert to the log; nil: nothing does.
	Tell func(message string, fields ...zap.Field)
	Log  *zap.Logger
}

// Monitor is one rule at work. It is safe for concurrent use.
type Monitor struct {
	cfg     *config.Monitor
	site    Site
	message string
	all     []*figures          // in the order of the configuration
	by      map[string]*figures // by the id of an application; nil: all count together
	records sync.Pool

	mu    sync.Mutex
	timer *time.Timer // nil: not started, or stopped
	begun time.Time   // the interval that runs
}

// New makes a monitor; it starts nothing.
func New(cfg *config.Monitor, site Site) *Monitor {
	m := &Monitor{cfg: cfg, site: site, message: cmp.Or(cfg.Alert.Message, "a monitored API is not as it should be")}
	switch of := cfg.Applications; {
	case of.Each:
		m.by = map[string]*figures{}
		for i := range site.Applications {
			m.watch(&site.Applications[i])
		}
		m.watch(&config.Application{}) // callers without one
	case of.Names != nil:
		m.by = map[string]*figures{}
		for _, name := range of.Names {
			for i := range site.Applications {
				if a := &site.Applications[i]; a.Name == name || a.ID == name {
					m.watch(a)
				}
			}
		}
	default:
		m.all = []*figures{newFigures("", "")}
	}
	return m
}

func (m *Monitor) watch(a *config.Application) {
	if m.by[a.ID] == nil {
		m.by[a.ID] = newFigures(a.ID, a.Name)
		m.all = append(m.all, m.by[a.ID])
	}
}

// record is a request that is counted once it has ended.
type record struct {
	m   *Monitor
	x   *exchange.Exchange
	end func(exchange.End) // count, bound once
}

// Policy counts the requests that come to it.
func (m *Monitor) Policy(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		r, _ := m.records.Get().(*record)
		if r == nil {
			r = &record{m: m}
			r.end = r.count
		}
		r.x = x
		x.AtEnd(r.end)
		return next(x)
	}
}

func (r *record) count(e exchange.End) {
	m, x := r.m, r.x
	r.x = nil
	m.records.Put(r)
	if e.Status == 0 {
		return // the caller has not waited
	}
	f := m.all[0]
	if m.by != nil {
		if f = m.by[x.Caller.Application.ID]; f == nil {
			return
		}
	}
	f.count(e.Duration-e.Tunnel, e.Status >= 500)
}

// Start begins the first interval. It may be called more than once.
func (m *Monitor) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer == nil {
		m.begun = time.Now()
		m.timer = time.AfterFunc(m.cfg.Interval.Limit(), m.tick)
	}
}

// Stop ends the interval that runs: its figures are reported, and no alert is
// made of them.
func (m *Monitor) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer == nil {
		return
	}
	m.timer.Stop()
	m.timer = nil
	m.close(time.Now(), false)
}

// tick ends an interval and begins the next one.
func (m *Monitor) tick() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer == nil {
		return
	}
	interval := m.cfg.Interval.Limit()
	now := time.Now()
	m.close(now, true)
	next := m.begun.Add(interval)
	for !next.After(now) { // whole intervals, however late this one ended
		next = next.Add(interval)
	}
	m.begun = next.Add(-interval)
	m.timer.Reset(time.Until(next))
}

// close tells of an interval. m.mu is held.
func (m *Monitor) close(now time.Time, alerts bool) {
	defer func() {
		if p := recover(); p != nil {
			m.site.Log.Error("panic in a monitor", crash.Fields(p))
		}
	}()
	for _, f := range m.all {
		s := f.take(now)
		m.report(s)
		if !alerts || len(m.cfg.Rules) == 0 {
			continue
		}
		before := f.alerted
		f.alerted = m.holds(s)
		if f.alerted && (!before || m.cfg.Alert.Frequency == "always") {
			m.alert(s)
		}
	}
}

// holds reports whether all rules hold of an interval.
func (m *Monitor) holds(s figure) bool {
	for _, r := range m.cfg.Rules {
		value, known := s.metric(r.Metric)
		if !known {
			return false
		}
		than := float64(*r.Value)
		switch r.Operator {
		case "gt":
			known = value > than
		case "lt":
			known = value < than
		default:
			known = value == than
		}
		if !known {
			return false
		}
	}
	return true
}
