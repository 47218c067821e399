package trace

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// ErrNotBuilt is what asking for an exporter meets in a build without one.
var ErrNotBuilt = errors.New("this build cannot export spans: use the image postern:otel, or build with -tags otel")

// Options say where spans go and within which bounds.
type Options struct {
	Endpoint         string            // absolute address, http or https
	Headers          map[string]string // of every export; secret
	TLS              *tls.Config       // of an https endpoint
	Service, Version string            // who speaks
	Timeout          time.Duration     // of one export with its repeats
	Queue            int               // spans that may wait
	Dropped          func(spans int)   // counts spans that were lost
	Log              *zap.Logger
}

const (
	batchSize = 512                    // spans in one export
	gather    = 500 * time.Millisecond // how long a batch waits to become full
	quiet     = time.Minute            // between two lines about the same failure
)

// Exporter sends spans to a collector, in batches, from one goroutine. A
// collector that does not keep up loses spans, which are counted; nothing ever
// waits for it. It is safe for concurrent use.
type Exporter struct {
	options Options
	send    func(context.Context, []Span) error
	release func() // what send holds

	queue   chan Span
	quit    chan struct{}
	ended   chan struct{}
	context context.Context // ends what is being sent
	cancel  context.CancelFunc
	started atomic.Bool
	stop    sync.Once

	// The goroutine's own.
	failing  bool
	lost     int       // since the last line about it
	reported time.Time // when that was
}

// NewExporter prepares an exporter; it connects to nothing and starts nothing.
// In a build without the tag otel the error is ErrNotBuilt.
func NewExporter(o Options) (*Exporter, error) {
	send, release, err := newSender(o)
	if err != nil {
		return nil, err
	}
	return newExporter(o, send, release), nil
}

func newExporter(o Options, send func(context.Context, []Span) error, release func()) *Exporter {
	e := &Exporter{
		options: o, send: send, release: release,
		queue: make(chan Span, o.Queue), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	e.context, e.cancel = context.WithCancel(context.Background())
	return e
}

// Start begins to send. It may be called more than once.
func (e *Exporter) Start() {
	if !e.started.Swap(true) {
		go e.run()
	}
}

// Add hands over a finished span, which is lost when the queue is full.
func (e *Exporter) Add(s Span) {
	select {
	case <-e.quit: // nobody would take it out
	default:
		select {
		case e.queue <- s:
			return
		default:
		}
	}
	e.options.Dropped(1)
}

// Stop sends what waits until ctx ends, and returns when nothing of the exporter
// runs any more. It may be called more than once, and without Start.
func (e *Exporter) Stop(ctx context.Context) {
	e.stop.Do(func() {
		close(e.quit)
		if !e.started.Swap(true) {
			close(e.ended)
		}
	})
	defer context.AfterFunc(ctx, e.cancel)()
	<-e.ended
	e.cancel()
}

// run sends batches until the exporter is stopped, and then what is left.
func (e *Exporter) run() {
	defer close(e.ended)
	defer e.release()
	batch := make([]Span, 0, batchSize)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		select {
		case <-e.quit:
			e.drain(batch)
			return
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) == 1 {
				timer.Reset(gather)
			}
			if len(batch) < batchSize {
				continue
			}
		case <-timer.C:
		}
		batch = e.export(batch)
	}
}

// drain sends what has been handed over before the end.
func (e *Exporter) drain(batch []Span) {
	for {
		select {
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) == batchSize {
				batch = e.export(batch)
			}
		default:
			e.export(batch)
			return
		}
	}
}

// export sends a batch and returns it empty. What fails is lost: spans are not
// worth more memory than the queue has.
func (e *Exporter) export(batch []Span) []Span {
	if len(batch) == 0 {
		return batch
	}
	err := e.try(batch)
	if err != nil {
		e.options.Dropped(len(batch))
		e.lost += len(batch)
	}
	e.report(err)
	clear(batch)
	return batch[:0]
}

// try sends a batch within the timeout. A panic is an error like others.
func (e *Exporter) try(batch []Span) (err error) {
	ctx, cancel := context.WithTimeout(e.context, e.options.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while exporting spans: %v", p)
		}
	}()
	return e.send(ctx, batch)
}

// report tells the log when exports begin to fail, now and then while they go
// on failing, and when they work again.
func (e *Exporter) report(err error) {
	now := time.Now()
	switch {
	case err == nil && e.failing:
		e.options.Log.Info("spans are exported again", zap.Int("lost", e.lost))
		e.failing, e.lost = false, 0
	case err != nil && (!e.failing || now.Sub(e.reported) >= quiet):
		e.options.Log.Warn("spans not exported", zap.Int("lost", e.lost), zap.String("reason", fmt.Sprintf("%.512v", err)))
		e.failing, e.lost, e.reported = true, 0, now
	}
}
