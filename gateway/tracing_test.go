package gateway

import (
	"regexp"
	"strings"
	"testing"
)

const (
	callerTrace  = "0af7651916cd43dd8448eb211c80319c"
	callerSpan   = "b7ad6b7169203331"
	callerParent = "00-" + callerTrace + "-" + callerSpan + "-01"
)

var parentForm = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$`)

// traced sends raw field lines through a gateway with the section tracing and
// returns the head that the upstream got.
func traced(t *testing.T, section string, fields ...string) string {
	t.Helper()
	u := newTarget(t, always("HTTP/1.1 204 No Content\r\n\r\n"))
	g := start(t, bundle{target: u.address, top: section})
	answer := g.do(lines(append([]string{"GET /a HTTP/1.1", "Host: h"}, fields...)...))
	wantStatus(t, answer, 204)
	return u.next()
}

// values are all values of a field, in any case, joined by "|".
func values(head, name string) string {
	var all []string
	for line := range strings.Lines(head) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return strings.Join(all, "|")
}

func TestTraceContextPassesUntouchedWithoutTracing(t *testing.T) {
	head := traced(t, "", "Traceparent: nonsense", "tracestate: a=1", "TraceState: b=2")
	if !strings.Contains(head, "\r\nTraceparent: nonsense\r\ntracestate: a=1\r\nTraceState: b=2\r\n") {
		t.Errorf("%q", head)
	}
}

func TestTraceContext(t *testing.T) {
	const loopback = "trusted_proxies: [127.0.0.0/8]\n"
	for _, tt := range []struct {
		name, section string
		fields        []string
		goesOn        bool
		flags, state  string
	}{
		{name: "begins here", section: "tracing: {}", flags: "01"},
		{name: "begins here, nothing sampled", section: "tracing: {sample: none}", flags: "00"},
		{name: "goes on", section: "tracing: {sample: none}", fields: []string{"traceparent: " + callerParent, "tracestate: a=1,b=2"}, goesOn: true, flags: "01", state: "a=1,b=2"},
		{name: "goes on in any case", section: "tracing: {}", fields: []string{"TRACEPARENT: " + callerParent, "TraceState: a=1", "TRACESTATE: b=2"}, goesOn: true, flags: "01", state: "a=1|b=2"},
		{name: "not sampled by the caller", section: "tracing: {}", fields: []string{"traceparent: " + callerParent[:53] + "00"}, goesOn: true, flags: "00"},
		{name: "invalid", section: "tracing: {sample: none}", fields: []string{"traceparent: " + callerParent + "x", "tracestate: a=1"}, flags: "00"},
		{name: "empty", section: "tracing: {sample: none}", fields: []string{"traceparent:", "tracestate: a=1"}, flags: "00"},
		{name: "twice", section: "tracing: {sample: none}", fields: []string{"traceparent: " + callerParent, "Traceparent: " + callerParent, "tracestate: a=1"}, flags: "00"},
		{name: "state alone", section: "tracing: {}", fields: []string{"tracestate: a=1"}, flags: "01"},
		{name: "connection cannot remove it", section: "tracing: {}", fields: []string{"Connection: traceparent", "traceparent: " + callerParent}, goesOn: true, flags: "01"},
		{name: "long state", section: "tracing: {}", fields: []string{"traceparent: " + callerParent, "tracestate: a=" + repeat('x', 2046)}, goesOn: true, flags: "01", state: "a=" + repeat('x', 2046)},
		{name: "too long a state", section: "tracing: {}", fields: []string{"traceparent: " + callerParent, "tracestate: a=" + repeat('x', 2000), "tracestate: b=" + repeat('x', 2000)}, goesOn: true, flags: "01"},
		{name: "never", section: "tracing: {continue: never, sample: none}", fields: []string{"traceparent: " + callerParent, "tracestate: a=1"}, flags: "00"},
		{name: "a stranger to trusted proxies", section: "trusted_proxies: [192.0.2.1]\ntracing: {continue: trusted_proxies, sample: none}", fields: []string{"traceparent: " + callerParent, "tracestate: a=1"}, flags: "00"},
		{name: "a trusted proxy", section: loopback + "tracing: {continue: trusted_proxies, sample: none}", fields: []string{"traceparent: " + callerParent, "tracestate: a=1"}, goesOn: true, flags: "01", state: "a=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := traced(t, tt.section, tt.fields...)
			part := parentForm.FindStringSubmatch(values(head, "traceparent"))
			if part == nil {
				t.Fatalf("traceparent %q", values(head, "traceparent"))
			}
			if goesOn := part[1] == callerTrace; goesOn != tt.goesOn || part[2] == callerSpan || part[3] != tt.flags {
				t.Errorf("%s; want flags %s, goes on: %v", part[0], tt.flags, tt.goesOn)
			}
			if got := values(head, "tracestate"); got != tt.state {
				t.Errorf("tracestate %q, want %q", got, tt.state)
			}
		})
	}
}

// What strangers ask for is bounded; what a trusted proxy asks for is not.
func TestStrangersCannotHaveEverythingSampled(t *testing.T) {
	for _, tt := range []struct {
		name, section string
		least, most   int
	}{
		{"stranger", "tracing: {max_per_second: 1}", 1, 60},
		{"trusted proxy", "trusted_proxies: [127.0.0.1]\ntracing: {max_per_second: 1}", 200, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, always("HTTP/1.1 204 No Content\r\n\r\n"))
			g := start(t, bundle{target: u.address, top: tt.section})
			p, sampled := g.dial(), 0
			defer p.Close()
			for range 200 {
				wantStatus(t, p.do(lines("GET /a HTTP/1.1", "Host: h", "traceparent: "+callerParent)), 204)
				if strings.HasSuffix(values(u.next(), "traceparent"), "-01") {
					sampled++
				}
			}
			if sampled < tt.least || sampled > tt.most {
				t.Errorf("%d of 200 sampled", sampled)
			}
		})
	}
}

func TestAccessLogTellsTheTrace(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 204 No Content\r\n\r\n"))
	text := strings.Replace(bundle{target: u.address, top: "tracing: {}"}.text(), "access: false", "access: true", 1)
	d := deploy(t, t.TempDir(), text)
	wantStatus(t, d.do(lines("GET /a HTTP/1.1", "Host: h", "X-Request-Id: r1", "traceparent: "+callerParent)), 204)
	if got := d.accessLine("r1")["trace_id"]; got != callerTrace {
		t.Errorf("trace_id %v", got)
	}
}
