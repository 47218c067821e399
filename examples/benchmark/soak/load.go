package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests at a rate, and compares each answer with what was asked.
type load struct {
	stage   *stage
	callers int
	rate    float64 // a second; 0: as fast as it goes
	next    atomic.Int64
	asked   atomic.Int64
	aborted atomic.Int64
	kept    atomic.Int64 // answers that the gateway had kept

	mu    sync.Mutex
	wrong []string
	bad   int
	took  []time.Duration // of ordinary requests
}

func newLoad(s *stage, callers int, rate float64) *load {
	return &load{stage: s, callers: callers, rate: rate}
}

// calibrate finds out what the gateway takes, and returns the share of it.
func (s *stage) calibrate(ctx context.Context, o options) (float64, error) {
	const span = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	l := newLoad(s, o.callers, 0)
	l.run(ctx)
	if l.bad > 0 || l.asked.Load() == 0 {
		return 0, fmt.Errorf("%d of %d answers are wrong before anything has changed: %q", l.bad, l.asked.Load(), l.wrong)
	}
	return o.share * float64(l.asked.Load()) / span.Seconds(), nil
}

// run sends until ctx ends.
func (l *load) run(ctx context.Context) {
	var all sync.WaitGroup
	begun := time.Now()
	for n := range l.callers {
		all.Go(func() { l.call(ctx, fmt.Sprintf("user-%d", n), begun) })
	}
	all.Wait()
}

// call is one caller, with a connection and a token of its own.
func (l *load) call(ctx context.Context, user string, begun time.Time) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	token, fresh := "", time.Time{}
	for ctx.Err() == nil {
		if n := l.next.Add(1); l.rate > 0 && !pauseUntil(ctx, begun.Add(time.Duration(float64(n)/l.rate*1e9))) {
			return
		}
		if time.Since(fresh) > 3*time.Second {
			var err error
			if token, err = l.stage.issuer.token(user, "read"); err != nil {
				l.note(err)
				return
			}
			fresh = time.Now()
		}
		e := draw()
		e.user, e.token, e.id = user, token, fmt.Sprintf("%s-%d", user, l.asked.Add(1))
		l.note(l.play(ctx, client, e))
	}
}

// pauseUntil waits; false: ctx has ended.
func pauseUntil(ctx context.Context, at time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(at)):
		return true
	}
}

// note keeps what was wrong, the first few of it with their texts.
func (l *load) note(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad++; len(l.wrong) < 10 {
		l.wrong = append(l.wrong, err.Error())
	}
}

// expectation is a request and what must come back.
type expectation struct {
	method, path    string
	size            int // of the body
	status          int
	echo            bool // the upstream's own words come back
	cut             bool // the answer must break off
	abort           bool // the caller leaves
	anonymous       bool
	policy          policy
	user, token, id string
}

// kinds are the requests that are drawn, and how often of all.
var kinds = []struct {
	weight int
	expectation
}{
	{600, expectation{method: "GET", path: "/echo/a/b?x=%2f&y", status: 200, echo: true}},
	{200, expectation{method: "POST", path: "/echo/post", size: 2000, status: 200, echo: true}},
	{20, expectation{method: "PUT", path: "/echo/put", size: 300_000, status: 200, echo: true}},
	{60, expectation{method: "POST", path: "/changed", status: 200, echo: true, policy: rewrites}},
	{30, expectation{method: "GET", path: "/packed", status: 200, echo: true, policy: compresses}},
	{60, expectation{method: "GET", path: "/kept", status: 200, echo: true, policy: keeps}},
	{20, expectation{method: "GET", path: "/echo/x", status: 401, anonymous: true}},
	{20, expectation{method: "POST", path: "/write", size: 10, status: 403}},
	{20, expectation{method: "GET", path: "/nowhere", status: 404}},
	{10, expectation{method: "GET", path: "/fault/busy", status: 503, echo: true}},
	{5, expectation{method: "GET", path: "/fault/slow", status: 200, echo: true}},
	{10, expectation{method: "GET", path: "/fault/large", status: 200}},
	{10, expectation{method: "GET", path: "/fault/cut", status: 200, cut: true}},
	{10, expectation{method: "POST", path: "/fault/gone", size: 10, status: 502}},
	{10, expectation{method: "GET", path: "/fault/garbage", status: 502}},
	{20, expectation{method: "GET", path: "/fault/large", abort: true}},
	{10, expectation{method: "GET", path: "/fault/slow", abort: true}},
}

// draw picks a kind.
func draw() expectation {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	at := rand.IntN(total)
	for _, k := range kinds {
		if at -= k.weight; at < 0 {
			return k.expectation
		}
	}
	panic("unreachable")
}

// play sends a request and judges the answer.
func (l *load) play(ctx context.Context, client *http.Client, e expectation) error {
	within, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if e.abort {
		l.aborted.Add(1)
		time.AfterFunc(time.Duration(rand.IntN(5000))*time.Microsecond, cancel)
	}
	body := e.sends()
	request, err := http.NewRequestWithContext(within, e.method, "http://"+l.stage.traffic+"/soak"+e.path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Soak", e.id)
	request.Header.Set("X-User", "evil")
	if !e.anonymous {
		request.Header.Set("Authorization", "Bearer "+e.token)
	}
	begun := time.Now()
	response, err := client.Do(request)
	if e.abort {
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body) // as far as it goes
			response.Body.Close()
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", e.method, e.path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if e.path == "/echo/a/b?x=%2f&y" {
		l.mu.Lock()
		l.took = append(l.took, time.Since(begun))
		l.mu.Unlock()
	}
	if e.policy == keeps && response.Header.Get("Age") != "" {
		l.kept.Add(1)
	}
	return e.judge(response, text, err, body)
}

// judge compares an answer with what was asked.
func (e expectation) judge(response *http.Response, text []byte, err error, body []byte) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%s %s %s: %w", e.id, e.method, e.path, fmt.Errorf(format, args...))
	}
	switch {
	case response.StatusCode != e.status:
		return wrong("status %d, want %d: %.200s", response.StatusCode, e.status, text)
	case e.cut && !errors.Is(err, io.ErrUnexpectedEOF):
		return wrong("an answer that breaks off looks whole: %v", err)
	case e.cut:
		return nil
	case err != nil:
		return wrong("%v", err)
	case e.status == 200 && !e.echo && len(text) != large:
		return wrong("%d bytes, want %d", len(text), large)
	case e.status == 200 && !e.echo:
		text = []byte(response.Header.Get("X-Echo"))
	case !e.echo:
		return nil
	}
	var got seen
	if err := json.Unmarshal(text, &got); err != nil {
		return wrong("%v in %.200s", err, text)
	}
	if want := e.sees(got, response, body); got != want {
		return wrong("the upstream saw %+v, want %+v", got, want)
	}
	if err := e.acted(response, text); err != nil {
		return wrong("%w", err)
	}
	return nil
}
