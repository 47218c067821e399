package provisioning

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/config"
)

// Reloader keeps a gateway at what its sources say: it loads them, hands the
// configuration to apply, and does so again when they change. What cannot be
// loaded or applied changes nothing.
type Reloader struct {
	// Poll is how often the sources are compared without an event, since events
	// get lost and some file systems have none. Default 10s; set before Run.
	Poll time.Duration

	// Begin and End are called around each attempt to bring in a configuration,
	// in its goroutine. Set them before Run, and after First to hear of Run's alone.
	Begin func()
	End   func(Outcome)

	sources Sources
	apply   func(*config.Config) error
	log     *zap.Logger
	again   chan os.Signal
	last    atomic.Pointer[Outcome]

	// Of the goroutine in First or Run.
	running *config.Config
	tried   string        // hash of what was last loaded, applied or not; "": nothing yet
	current func() string // what that hash would be now
}

// NewReloader prepares a reloader; nothing is read yet. apply must leave all as
// it was when it returns an error.
func NewReloader(s Sources, apply func(*config.Config) error, log *zap.Logger) *Reloader {
	r := &Reloader{
		Poll:    10 * time.Second,
		sources: s,
		apply:   apply,
		log:     log,
		Begin:   func() {},
		End:     func(Outcome) {},
		again:   make(chan os.Signal, 1),
	}
	r.last.Store(new(Outcome))
	return r
}

// First loads and applies once. Its error, which is not logged, is the Report
// when the sources are at fault. From here on SIGHUP does not end the process,
// also after Run has returned; one that comes before Run is answered by Run.
func (r *Reloader) First() error {
	signal.Notify(r.again, syscall.SIGHUP)
	return r.attempt(true)
}

// Run follows the sources until ctx ends, and returns nil then. It may be called
// once, after First or instead of it.
func (r *Reloader) Run(ctx context.Context) error {
	signal.Notify(r.again, syscall.SIGHUP)
	w := newWatch(r.log)
	defer w.close()
	poll := time.NewTicker(r.Poll)
	defer poll.Stop()

	w.follow(r.Last().Files)
	settled := time.NewTimer(quiet) // the first look is for what changed since First
	defer settled.Stop()
	var first time.Time // of the events since the last look
	hear := func() {
		if first.IsZero() {
			first = time.Now()
		}
		settled.Reset(min(quiet, time.Until(first.Add(patient))))
	}
	for {
		forced := false
		select {
		case <-ctx.Done():
			return nil
		case <-w.events():
			hear()
			continue
		case err := <-w.errors():
			r.log.Warn("watch files", zap.Error(err))
			hear()
			continue
		case <-settled.C:
		case <-poll.C:
		case <-r.again:
			forced = true
		}
		first = time.Time{}
		settled.Stop() // what was heard is behind this look
		r.look(w, forced)
	}
}

// Again makes Run try at once, as SIGHUP does, even when nothing has changed:
// the fault may have been outside the files. It does not wait.
func (r *Reloader) Again() {
	select {
	case r.again <- syscall.SIGHUP:
	default: // an attempt is due anyway
	}
}

// Last is the outcome of the last attempt. It is safe for concurrent use.
func (r *Reloader) Last() Outcome { return *r.last.Load() }

// look tries when something has changed, or when forced; once more when the
// configuration named directories that nobody listened to while they were read.
func (r *Reloader) look(w *watch, forced bool) {
	w.follow(r.Last().Files)
	r.report(r.attempt(forced))
	if w.follow(r.Last().Files) {
		r.report(r.attempt(false))
	}
}

// report logs a failed attempt. Each is logged once: the same content is not
// tried again, unless somebody asks for it.
func (r *Reloader) report(err error) {
	if err != nil {
		r.log.Error("configuration refused", zap.Uint64("running", r.Last().Generation), zap.Error(err))
	}
}

// attempt loads, and applies what differs from the last attempt; forced, it
// applies what does not differ, too.
func (r *Reloader) attempt(forced bool) error {
	if !forced && r.tried != "" && r.current() == r.tried {
		return nil
	}
	r.Begin()
	defer func() { r.End(r.Last()) }()
	begun := time.Now()
	loaded, err := Load(r.sources, r.running)
	same := loaded.Hash == r.tried
	r.tried, r.current = loaded.Hash, loaded.Current
	if same && !forced {
		return nil
	}
	if err != nil {
		return r.refuse(loaded, err, begun)
	}
	if loaded.Hash == r.Last().Hash && !forced {
		r.succeed(loaded, begun)
		r.log.Info("configuration is the running one again", zap.Uint64("generation", r.Last().Generation))
		return nil
	}
	if err := r.apply(loaded.Config); err != nil {
		return r.refuse(loaded, located(loaded, err), begun)
	}
	r.accept(loaded, begun)
	return nil
}

// located gives the faults of apply their lines.
func located(loaded *Loaded, err error) error {
	var faults config.Faults
	if errors.As(err, &faults) {
		return loaded.Locate(faults)
	}
	return fmt.Errorf("apply configuration: %w", err)
}

// refuse remembers a failed attempt; what runs goes on.
func (r *Reloader) refuse(loaded *Loaded, err error, begun time.Time) error {
	o := r.Last()
	o.When, o.Success, o.Err, o.Files = begun, false, err, loaded.Files
	o.LastFailed, o.LastErr = begun, err
	o.Refused++
	r.last.Store(&o)
	return err
}

// accept remembers that loaded runs from now on.
func (r *Reloader) accept(loaded *Loaded, begun time.Time) {
	r.running = loaded.Config
	o := r.Last()
	o.Hash, o.Warnings, o.Since = loaded.Hash, loaded.Warnings, time.Now()
	o.Generation++
	o.Applied++
	r.last.Store(&o)
	r.succeed(loaded, begun)
	for _, warning := range loaded.Warnings {
		r.log.Warn("configuration", zap.Stringer("warning", warning))
	}
	r.log.Info("configuration applied", zap.Uint64("generation", o.Generation),
		zap.Int("files", len(loaded.Files)), zap.Duration("took", time.Since(begun)))
}

// succeed remembers that the sources say what runs.
func (r *Reloader) succeed(loaded *Loaded, begun time.Time) {
	o := r.Last()
	o.When, o.Success, o.Err, o.Files = begun, true, nil, loaded.Files
	o.LastSuccess = begun
	r.last.Store(&o)
}
