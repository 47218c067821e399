// Package destination brings events to where they are kept: the log, a file or
// what speaks Elasticsearch's bulk protocol. Requests leave events in memory,
// within a bound, and go on; one goroutine of each destination takes them from
// there. What is lost is counted.
package destination

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/crash"
	"postern/gateway/event"
	"postern/gateway/metrics"
)

// Options are what every kind of destination has.
type Options struct {
	Name   string
	Kinds  [event.Kinds]bool // those that it takes
	Queue  int64             // bytes of events that may wait
	Counts *metrics.Events
	Log    *zap.Logger
}

// sink is a kind of destination. It belongs to one goroutine.
type sink interface {
	// write takes whole lines, and tells what has become of them.
	write(ctx context.Context, lines []byte) outcome
	close()
}

// outcome is what became of some events.
type outcome struct {
	again    []byte        // lines that are to be tried again
	refused  int           // events that will never be taken
	err      error         // why not all was taken
	patience time.Duration // how long the sink asks to be left alone; 0: it does not say
}

// pace is how a sink is written to.
type pace struct {
	gather  time.Duration // how long events wait for others
	batch   int           // events at once
	bytes   int           // or so many bytes, whatever is less
	retries int
}

const lanes = 32

// Destination is where events go. It is safe for concurrent use.
type Destination struct {
	options Options
	sink    sink
	pace    pace

	lanes   [lanes]lane
	held    atomic.Int64  // bytes that wait, in lanes or with the goroutine
	wake    chan struct{} // holds one: there are events
	full    chan struct{} // holds one: they are enough for a batch
	quit    chan struct{}
	ended   chan struct{}
	context context.Context // ends what is being written
	cancel  context.CancelFunc
	started atomic.Bool
	stop    sync.Once

	// The goroutine's own.
	pending  []byte
	failing  bool
	lost     int // since the last line about it
	reported time.Time
}

// lane holds events, so that cores do not queue for one lock.
type lane struct {
	mu    sync.Mutex
	lines []byte
	_     [32]byte
}

const (
	keepSize = 64 << 10    // a larger buffer is not kept
	quiet    = time.Minute // between two lines about the same failure
	firstGap = 500 * time.Millisecond
	lastGap  = 30 * time.Second
)

func newDestination(o Options, s sink, p pace) *Destination {
	d := &Destination{
		options: o, sink: s, pace: p,
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	d.context, d.cancel = context.WithCancel(context.Background())
	return d
}

// Takes reports whether the destination wants events of a kind.
func (d *Destination) Takes(k event.Kind) bool { return d.options.Kinds[k] }

// Held is how many bytes of events wait.
func (d *Destination) Held() int64 { return d.held.Load() }

// Add leaves an event, which is one line and is copied. shard spreads callers.
// It is lost when too many wait.
func (d *Destination) Add(line []byte, shard uint32) {
	n := int64(len(line))
	held := d.held.Add(n)
	if held > d.options.Queue || d.stopped() {
		d.held.Add(-n)
		d.options.Counts.Dropped.Inc()
		return
	}
	l := &d.lanes[shard%lanes]
	l.mu.Lock()
	l.lines = append(l.lines, line...)
	l.mu.Unlock()
	signal(d.wake)
	if held > int64(d.pace.bytes) {
		signal(d.full)
	}
}

func (d *Destination) stopped() bool {
	select {
	case <-d.quit:
		return true
	default:
		return false
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Start begins to write. It may be called more than once.
func (d *Destination) Start() {
	if !d.started.Swap(true) {
		go d.run()
	}
}

// Stop writes what waits until ctx ends, and returns when nothing of the
// destination runs any more. It may be called more than once, and without Start.
func (d *Destination) Stop(ctx context.Context) {
	d.stop.Do(func() {
		close(d.quit)
		if !d.started.Swap(true) {
			close(d.ended)
		}
	})
	defer context.AfterFunc(ctx, d.cancel)()
	<-d.ended
	d.cancel()
}

func (d *Destination) run() {
	defer close(d.ended)
	defer d.sink.close()
	defer d.reportRest()
	for {
		select {
		case <-d.quit:
			d.flush()
			return
		case <-d.wake:
		}
		gather := time.NewTimer(d.pace.gather)
		select {
		case <-d.quit:
		case <-d.full:
		case <-gather.C:
		}
		gather.Stop()
		d.flush()
	}
}

// flush writes all that waits.
func (d *Destination) flush() {
	for i := range d.lanes {
		l := &d.lanes[i]
		l.mu.Lock()
		d.pending = append(d.pending, l.lines...)
		if l.lines = l.lines[:0]; cap(l.lines) > keepSize {
			l.lines = nil
		}
		l.mu.Unlock()
	}
	for rest := d.pending; len(rest) > 0; {
		n := cut(rest, d.pace)
		d.deliver(rest[:n])
		d.held.Add(-int64(n))
		rest = rest[n:]
	}
	if d.pending = d.pending[:0]; cap(d.pending) > keepSize {
		d.pending = nil
	}
}

// cut is the length of the first batch in lines: at least one of them.
func cut(lines []byte, p pace) (n int) {
	for range p.batch {
		end := bytes.IndexByte(lines[n:], '\n') + 1
		if end == 0 || n > 0 && n+end > p.bytes {
			break
		}
		n += end
	}
	return n
}

// deliver writes a batch, again and again until all of it was taken or refused,
// or patience is at an end.
func (d *Destination) deliver(lines []byte) {
	gap := firstGap
	for try := 0; ; try++ {
		o := d.write(lines)
		d.options.Counts.Refused.Add(o.refused)
		left := count(o.again)
		d.options.Counts.Sent.Add(count(lines) - left - o.refused)
		lost := o.refused
		if left > 0 && (try >= d.pace.retries || d.context.Err() != nil) {
			d.options.Counts.Dropped.Add(left)
			lost, left = lost+left, 0
		}
		d.report(o.err, lost)
		if left == 0 {
			return
		}
		d.options.Counts.Retried.Add(left)
		lines = o.again
		d.rest(max(gap/2+rand.N(gap/2), min(o.patience, lastGap)))
		gap = min(2*gap, lastGap)
	}
}

// rest waits before the next try: less when the destination is to end.
func (d *Destination) rest(gap time.Duration) {
	timer := time.NewTimer(gap)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-d.context.Done():
		return
	case <-d.quit:
	}
	select {
	case <-time.After(min(gap, firstGap)):
	case <-d.context.Done():
	}
}

// write makes a panic an error like others.
func (d *Destination) write(lines []byte) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{refused: count(lines), err: panicked(crash.Text(p))}
		}
	}()
	return d.sink.write(d.context, lines)
}

type panicked string

// Error says what it was.
func (p panicked) Error() string { return "panic while writing events: " + string(p) }

func count(lines []byte) int { return bytes.Count(lines, []byte{'\n'}) }

// reportRest tells the log of events that were lost after its last line.
func (d *Destination) reportRest() {
	if d.lost > 0 {
		d.options.Log.Warn("events not written", zap.Int("lost", d.lost), zap.String("reason", "the destination has ended"))
	}
}

// report tells the log when writing begins to fail, now and then while it goes
// on failing, and when it works again.
func (d *Destination) report(err error, lost int) {
	now := time.Now()
	d.lost += lost
	switch {
	case err == nil && d.failing:
		d.options.Log.Info("events are written again", zap.Int("lost", d.lost))
		d.failing, d.lost = false, 0
	case err != nil && (!d.failing || now.Sub(d.reported) >= quiet):
		reason := err.Error()
		d.options.Log.Warn("events not written", zap.Int("lost", d.lost), zap.String("reason", reason[:min(len(reason), 512)]))
		d.failing, d.lost, d.reported = true, 0, now
	}
}
