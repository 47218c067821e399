// Soak runs a gateway under load for a long time while everything around it
// changes: its configuration, the issuer's keys, upstreams that fail, callers
// that leave. Every answer is compared with what was asked; at the end memory,
// goroutines and descriptors are compared with those of the beginning.
//
//	go run ./examples/benchmark/soak -for 20m
//
// Exit code 1: an answer was wrong, or something grew.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// options are the command line.
type options struct {
	binary  string
	length  time.Duration
	callers int
	share   float64
}

func main() {
	var o options
	flag.StringVar(&o.binary, "postern", "", "the gateway's binary; default: built from the working directory")
	flag.DurationVar(&o.length, "for", time.Minute, "how long")
	flag.IntVar(&o.callers, "callers", 32, "connections that send requests")
	flag.Float64Var(&o.share, "share", 0.7, "of the load that the gateway can take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// run builds what is missing, soaks, and says how it went.
func run(ctx context.Context, o options) error {
	folder, err := os.MkdirTemp("", "postern-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if o.binary == "" {
		o.binary = filepath.Join(folder, "postern")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.binary, ".")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build the gateway: %w", err)
		}
	}
	s, err := newStage(folder, o.binary)
	if err != nil {
		return err
	}
	defer s.close()
	rate, err := s.calibrate(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("soaking for %s at %.0f requests a second, %.0f %% of what it takes\n", o.length, rate, 100*o.share)
	ctx, cancel := context.WithTimeout(ctx, o.length)
	defer cancel()
	l := newLoad(s, o.callers, rate)
	w := newWatch(s)
	done := s.disturb(ctx)
	go w.run(ctx)
	l.run(ctx)
	changes := <-done
	return report(l, w, changes)
}
