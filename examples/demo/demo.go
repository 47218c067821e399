package demo

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"postern/gateway"
	"postern/provisioning"
)

// Options say how the demonstration is given.
type Options struct {
	// Assemble joins a gateway and its reloader, as they are joined to serve.
	Assemble func(provisioning.Sources) (*gateway.Gateway, *provisioning.Reloader)

	Out      io.Writer     // what a person reads
	Once     bool          // play the script and end, instead of staying
	Patience time.Duration // how long a live edit may take to show; default 5s
	Hooks    Hooks         // changes to what is shown; the zero value changes nothing
}

// Hooks change the demonstration at the places its expectations rest on, so
// that a test can see each of them fail.
type Hooks struct {
	Settings func(text string) string     // the configuration, before it is written
	Edit     func(text string) string     // the live edit; default: one more resource
	Publish  func(kids []string) []string // which keys the issuer publishes of all it made; default: the latest
}

func (h Hooks) settings(text string) string {
	if h.Settings == nil {
		return text
	}
	return h.Settings(text)
}

func (h Hooks) edit(text string) string {
	if h.Edit == nil {
		return addStock(text)
	}
	return h.Edit(text)
}

func (h Hooks) publish(kids []string) []string {
	if h.Publish == nil {
		return kids[len(kids)-1:]
	}
	return h.Publish(kids)
}

// Run gives the demonstration: it stays until ctx ends, or with Once plays its
// script and returns an error unless all of it was right.
func Run(ctx context.Context, o Options) (err error) {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.Once {
		return s.play(ctx, o.Out, cmp.Or(o.Patience, settle))
	}
	if err := s.introduce(o.Out); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		return err
	}
}
