package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// watch takes samples of what must not grow.
type watch struct {
	stage   *stage
	samples []sample
}

// sample is the gateway at one moment.
type sample struct{ resident, goroutines, descriptors float64 } // resident: MiB

func newWatch(s *stage) *watch { return &watch{stage: s} }

// run takes a sample a second until ctx ends.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s, err := w.look(); err == nil { // a look that fails is one less
			w.samples = append(w.samples, s)
		}
	}
}

func (w *watch) look() (s sample, err error) {
	status, err := os.ReadFile("/proc/" + w.stage.pid() + "/status")
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			s.resident = kib / 1024
		}
	}
	open, err := os.ReadDir("/proc/" + w.stage.pid() + "/fd")
	if err != nil {
		return s, err
	}
	s.descriptors = float64(len(open))
	s.goroutines, err = w.metric("go_goroutines")
	return s, err
}

// metric is one of the gateway's own.
func (w *watch) metric(name string) (float64, error) {
	response, err := http.Get("http://" + w.stage.admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}

// grown compares the medians of a begin and an end, when the first tenth, in
// which caches fill, is over.
func (w *watch) grown() ([]string, error) {
	n := len(w.samples)
	if n < 10 {
		return nil, fmt.Errorf("only %d samples", n)
	}
	first, last := w.samples[n/10:n/10+n/4], w.samples[n-n/4:]
	var lines []string
	var err error
	for _, of := range []struct {
		name  string
		value func(sample) float64
		slack float64
	}{
		{"resident MiB", func(s sample) float64 { return s.resident }, 10},
		{"goroutines", func(s sample) float64 { return s.goroutines }, 20},
		{"descriptors", func(s sample) float64 { return s.descriptors }, 20},
	} {
		before, after := median(first, of.value), median(last, of.value)
		lines = append(lines, fmt.Sprintf("%-14s %8.1f → %.1f", of.name, before, after))
		if after > before*1.2+of.slack {
			err = errors.Join(err, fmt.Errorf("%s grew from %.1f to %.1f", of.name, before, after))
		}
	}
	return lines, err
}

func median(samples []sample, value func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// report prints what was seen, and returns what was wrong.
func report(l *load, w *watch, c changes) error {
	slices.Sort(l.took)
	at := func(q float64) time.Duration {
		if len(l.took) == 0 {
			return 0
		}
		return l.took[int(q*float64(len(l.took)-1))]
	}
	fmt.Printf("%d requests, %d of callers that left, %d answered from the cache; %d reloads, %d of them broken; %d rotations\n",
		l.asked.Load(), l.aborted.Load(), l.kept.Load(), c.reloads, c.broken, c.rotations)
	fmt.Printf("p50 %s  p99 %s  p99.9 %s\n", at(0.5), at(0.99), at(0.999))
	lines, err := w.grown()
	for _, line := range lines {
		fmt.Println(line)
	}
	for _, wrong := range l.wrong {
		fmt.Println("WRONG", wrong)
	}
	if l.bad > 0 {
		err = errors.Join(err, fmt.Errorf("%d answers are wrong", l.bad))
	}
	if c.reloads == 0 || l.asked.Load() == 0 || l.kept.Load() == 0 {
		err = errors.Join(err, errors.New("nothing has happened"))
	}
	return err
}
