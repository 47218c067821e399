package gateway

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/destination"
	"postern/gateway/event"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// outlet is a destination of events. Generations use the same one as long as its
// section stays the same; the last one that lets go ends it, beside the requests,
// once all that waits there has been written.
type outlet struct {
	*destination.Destination
	section config.Destination
	counts  *metrics.Events
	users   atomic.Int32
}

// lastEvents bounds how long the last events of a replaced destination may take,
// and how long those of any may take at the least when the gateway ends.
const (
	lastEvents  = 30 * time.Second
	leastEvents = time.Second
)

// destinations prepares those that are used, or takes over the previous ones. A
// rehearsal tells nobody.
func (b *builder) destinations() {
	b.next.outlets = map[string]*outlet{}
	all := b.config.AllDestinations()
	for i := range all {
		if i < len(b.config.Destinations) || b.config.LogsEvents() {
			b.destination(&all[i], "destinations", i)
		}
	}
}

func (b *builder) destination(cfg *config.Destination, path ...any) {
	made := &outlet{section: *cfg, counts: new(metrics.Events)}
	if p := b.previous; p != nil && p.outlets[cfg.Name] != nil {
		old := p.outlets[cfg.Name]
		if reflect.DeepEqual(old.section, *cfg) {
			b.next.outlets[cfg.Name] = old
			return
		}
		made.counts = old.counts
	}
	o := destination.Options{
		Name: cfg.Name, Queue: cfg.Queue.Limit(), Counts: made.counts,
		Log: b.gateway.log.Named("destination").With(zap.String("destination", cfg.Name)),
	}
	for k, word := range config.EventKinds() {
		o.Kinds[k] = slices.Contains(cfg.Events, word)
	}
	var err error
	switch {
	case cfg.File != nil:
		made.Destination = destination.NewFile(o, *cfg.File)
	case cfg.Elasticsearch != nil:
		made.Destination, err = destination.NewBulk(o, *cfg.Elasticsearch)
		path = append(path, "elasticsearch")
	default:
		made.Destination = destination.NewLog(o, levelOf(cfg.Log.Level), b.gateway.log)
	}
	if err != nil {
		b.failed(err, path...)
		return
	}
	b.next.outlets[cfg.Name] = made
}

// eventsTo are the destinations of some names.
func (b *builder) eventsTo(names []string) (to []*destination.Destination) {
	if b.gateway.rehearsal != nil {
		return nil
	}
	for _, name := range names {
		if o := b.next.outlets[name]; o != nil {
			to = append(to, o.Destination)
		}
	}
	return to
}

// adopt adds a generation that uses the destination, and starts it with the
// first.
func (o *outlet) adopt(g *Gateway) {
	if o.users.Add(1) > 1 {
		return
	}
	g.mu.Lock()
	g.outlets[o] = struct{}{}
	g.mu.Unlock()
	o.Start()
}

// release ends the destination when no generation uses it any more.
func (o *outlet) release(g *Gateway) {
	if o.users.Add(-1) > 0 {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastEvents)
		defer cancel()
		o.Stop(ctx)
		g.mu.Lock()
		delete(g.outlets, o)
		g.mu.Unlock()
	}()
}

// endDestinations writes the last events of all destinations until ctx ends, and
// a little longer.
func (g *Gateway) endDestinations(ctx context.Context) {
	g.mu.Lock()
	all := slices.Collect(maps.Keys(g.outlets))
	g.mu.Unlock()
	end, least := time.Now().Add(lastEvents), time.Now().Add(leastEvents)
	if deadline, ok := ctx.Deadline(); ok {
		end = deadline
	}
	if end.Before(least) {
		end = least
	}
	until, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	var ended sync.WaitGroup
	for _, o := range all {
		ended.Go(func() { o.Stop(until) })
	}
	ended.Wait()
}

// lifecycle tells the destinations that are stated that the gateway has started
// or stopped.
func (g *Gateway) lifecycle(status string) {
	n := g.live.Load()
	if n == nil || g.rehearsal != nil {
		return
	}
	line := event.Begin(nil, event.Lifecycle, time.Now(), g.node)
	line = event.End(event.Text(event.Text(line, "gatewayStatus", status), "gatewayVersion", g.version))
	for i := range n.config.Destinations {
		if o := n.outlets[n.config.Destinations[i].Name]; o.Takes(event.Lifecycle) {
			o.Add(line, 0)
		}
	}
}

// eventCounts is how the destinations that are stated fare, for a scrape.
func (g *Gateway) eventCounts() (all []metrics.EventDestination) {
	n := g.live.Load()
	if n == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(n.outlets)) {
		o := n.outlets[name]
		all = append(all, metrics.EventDestination{Name: name, Held: o.Held(), Events: o.counts})
	}
	return all
}
