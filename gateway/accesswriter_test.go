package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// jsonLines is the format of a configuration that says nothing of it.
var jsonLines = newLineFormat(config.Default().Logging)

// lineWriter is an access log of its own.
func lineWriter(out io.Writer) (*accessLog, *observer.ObservedLogs) {
	core, logs := observer.New(zap.WarnLevel)
	return newAccessLog(out, zap.New(core), metrics.New(metrics.Sources{})), logs
}

// reported sums what the operator was told of lost lines.
func reported(logs *observer.ObservedLogs) (lines uint64) {
	for _, entry := range logs.FilterMessage("access log lines dropped").All() {
		lines += entry.ContextMap()["lines"].(uint64)
	}
	return lines
}

// gate is a writer that waits until it is opened.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	buf  bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.Write(p)
}

func (g *gate) lines() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return bytes.Count(g.buf.Bytes(), []byte("\n"))
}

func TestLinesAppearSoon(t *testing.T) {
	out := &gate{open: make(chan struct{})}
	close(out.open)
	l, _ := lineWriter(out)
	l.start()
	defer l.stop()
	x := newExchange(t, "GET", "/")
	for n := 1; n <= 3; n++ {
		l.write(x, exchange.End{Status: 200}, &jsonLines)
		eventually(t, "line is written", func() bool { return out.lines() == n })
	}
}

// A pipe that nobody reads holds up no request; once it is read, every line is
// there or counted.
func TestLinesAreWrittenOrCounted(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l, logs := lineWriter(to)
	l.start()
	x := newExchange(t, "GET", "/")
	x.Path = append(x.Path, strings.Repeat("a", 10000)...)
	const lines = 1000
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range lines / 4 {
				l.write(x, exchange.End{Status: 200}, &jsonLines) // never waits for the pipe
			}
		})
	}
	writers.Wait()
	dropped := l.dropped.Get()
	if dropped == 0 {
		t.Error("a thousand lines fit into the pipe")
	}
	read := make(chan int)
	go func() {
		all, _ := io.ReadAll(from)
		read <- bytes.Count(all, []byte("\n"))
	}()
	l.stop()
	to.Close()
	if got := <-read; uint64(got)+dropped != lines || reported(logs) != dropped {
		t.Errorf("%d written, %d dropped and %d reported of %d", got, dropped, reported(logs), lines)
	}
}

// At the end a pipe that nobody reads does not hold up the process.
func TestStopDoesNotWaitForAStuckWriter(t *testing.T) {
	out := &gate{open: make(chan struct{})}
	l, logs := lineWriter(out)
	l.start()
	l.write(newExchange(t, "GET", "/"), exchange.End{}, &jsonLines)
	l.stop()
	if logs.FilterMessage("the access log takes no lines, the last ones are lost").Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
	close(out.open)
}

// faulty is a disk that is full after so many bytes, until it is emptied.
type faulty struct {
	room int
	text bytes.Buffer
}

func (f *faulty) Write(p []byte) (int, error) {
	n, _ := f.text.Write(p[:min(len(p), f.room)])
	if f.room -= n; n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// A line that was cut short is counted, and spoils no other one.
func TestAFullDisk(t *testing.T) {
	x := newExchange(t, "GET", "/")
	one := len(jsonLines.append(nil, x, exchange.End{}, new(scratch)))
	out := &faulty{room: one + 10}
	l, logs := lineWriter(out)
	write := func(lines int) {
		for range lines {
			l.write(x, exchange.End{}, &jsonLines)
		}
		l.flush()
	}
	write(3) // the second is cut short
	write(1) // nothing fits
	out.room = 10 * one
	write(2)
	l.report()
	l.report()
	whole := 0
	for line := range strings.Lines(out.text.String()) {
		if len(line) == one {
			whole++
		}
	}
	if lost := l.dropped.Get(); whole != 3 || lost != 3 || reported(logs) != 3 || l.failures.Get() != 2 {
		t.Errorf("%d whole lines, %d lost, %d reported, %d errors in\n%s", whole, lost, reported(logs), l.failures.Get(), &out.text)
	}
	if entries := logs.All(); len(entries) != 1 || entries[0].ContextMap()["error"] != "no space left on device" {
		t.Errorf("logged %v", entries)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A writer that fails all the time is reported at once, and then seldom.
func TestAWriterThatFailsIsReported(t *testing.T) {
	l, logs := lineWriter(brokenPipe{})
	l.start()
	x := newExchange(t, "GET", "/")
	for n := uint64(1); n <= 20; n++ {
		l.write(x, exchange.End{}, &jsonLines)
		eventually(t, "line is lost", func() bool { return l.dropped.Get() == n })
	}
	eventually(t, "a report", func() bool { return logs.Len() > 0 })
	l.stop()
	if logs.Len() > 3 || reported(logs) != 20 {
		t.Errorf("%d lines in %d reports", reported(logs), logs.Len())
	}
}

func BenchmarkAccessLine(b *testing.B) {
	for _, format := range []config.Logging{
		{Format: "json"},
		{Format: "json", Query: true, Mask: []string{"code", "key"}},
		{Format: "combined"},
		{Format: "combined", Query: true, Mask: []string{"code", "key"}},
	} {
		b.Run(fmt.Sprintf("%s,query=%t", format.Format, format.Query), func(b *testing.B) {
			l, _ := lineWriter(io.Discard)
			f := newLineFormat(format)
			x := benchExchange(b)
			b.ReportAllocs()
			for b.Loop() {
				lane := &l.lanes[0]
				lane.lines = lane.lines[:0]
				l.write(x, exchange.End{Status: 200, Duration: time.Millisecond}, &f)
			}
		})
	}
}

// benchExchange is an ordinary request.
func benchExchange(t testing.TB) *exchange.Exchange {
	x := newExchange(t, "GET", "/gateway/orders/1.0/orders/7?limit=10&access_token=abcdef%20&page=2", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Referer: https://shop.example.com/cart?x=1")
	path, query, _ := bytes.Cut(x.HTTP.Request.Header.RequestURI(), []byte{'?'})
	x.Path, x.Query = append(x.Path, path...), query
	return x
}
