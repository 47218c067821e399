package gateway

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"postern/gateway/destination"
	"postern/gateway/event"
	"postern/gateway/exchange"
	"postern/gateway/policy/monitor"
	"postern/gateway/quota"
	"postern/provisioning/config"
)

// watch is a monitor at one API. Generations share it as long as its section, the
// applications there are and its destinations stay the same.
type watch struct {
	*monitor.Monitor
	section *config.Monitor
	site    monitor.Site
	users   atomic.Int32
}

// monitor is behind whatever refuses requests for what their callers are, so that
// it counts what was admitted.
func (c *chains) monitor(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		for i := range l.Policies.Monitor {
			chain = c.add(chain, Step{"monitor", l.At("monitor", i)}, func() (exchange.Policy, error) {
				return c.watch(fmt.Sprint(c.owner(l), " ", c.config.APIs[c.api].FullName(), " ", i), &l.Policies.Monitor[i]).Policy, nil
			})
		}
	}
	return chain
}

func (c *chains) watch(id string, cfg *config.Monitor) *watch {
	made := &watch{section: cfg, site: monitor.Site{
		API: &c.config.APIs[c.api], Applications: c.config.Applications, Node: c.gateway.node, Log: c.gateway.log.Named("monitor"),
		Report: c.eventsTo(cfg.Report), Alert: c.alertsTo(cfg.Alert.Destinations),
	}}
	if slices.Contains(cfg.Alert.Destinations, config.LogName) && c.gateway.rehearsal == nil {
		level := levelOf(cfg.Alert.Level)
		made.site.Tell = func(message string, fields ...zap.Field) { made.site.Log.Log(level, message, fields...) }
	}
	if c.previous != nil {
		if old := c.previous.watches[id]; old != nil && old.same(made) {
			c.next.watches[id] = old
			return old
		}
	}
	made.Monitor = monitor.New(cfg, made.site)
	c.next.watches[id] = made
	return made
}

// same reports whether one watch would do what the other does.
func (w *watch) same(o *watch) bool {
	return reflect.DeepEqual(w.section, o.section) && slices.Equal(w.site.Report, o.site.Report) && slices.Equal(w.site.Alert, o.site.Alert) &&
		slices.EqualFunc(w.site.Applications, o.site.Applications, func(a, b config.Application) bool { return a.Name == b.Name && a.ID == b.ID })
}

// adopt adds a generation that uses the monitor, and starts it with the first.
func (w *watch) adopt() {
	if w.users.Add(1) == 1 {
		w.Start()
	}
}

// release ends the monitor when no generation uses it any more.
func (w *watch) release() {
	if w.users.Add(-1) == 0 {
		w.Stop()
	}
}

// alertsTo are the destinations of alerts, but the log: that has lines of its own
// for them.
func (b *builder) alertsTo(names []string) []*destination.Destination {
	var others []string
	for _, name := range names {
		if name != config.LogName {
			others = append(others, name)
		}
	}
	return b.eventsTo(others)
}

func levelOf(word string) zapcore.Level {
	level, err := zapcore.ParseLevel(word)
	if err != nil {
		return zap.WarnLevel // Validate has seen the word
	}
	return level
}

// throttleAlert is the event of a request that a limit has refused.
func (g *Gateway) throttleAlert(x *exchange.Exchange, rule, message string, d quota.Decision) []byte {
	line := event.Begin(nil, event.Monitor, x.Started, g.node)
	line = event.Text(line, "apiId", x.API)
	line = event.Text(line, "applicationId", cmp.Or(x.Caller.Application.ID, "Unknown"))
	line = event.Text(line, "applicationName", cmp.Or(x.Caller.Application.Name, "Unknown"))
	line = event.Text(line, "correlationID", x.ID)
	line = event.Text(line, "alertType", "Throttling")
	line = event.Text(line, "alertSource", rule)
	line = event.Text(line, "alertDesc", message)
	return event.End(event.Millis(line, "resetTime", d.Reset))
}

// add leaves an event of a kind with those that take it.
func add(to []*destination.Destination, kind event.Kind, line []byte, shard uint32) {
	for _, d := range to {
		if d.Takes(kind) {
			d.Add(line, shard)
		}
	}
}
