package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inFront deploys a gateway in front of targets, with more of its upstream.
func inFront(t *testing.T, more string, targets ...string) *deployment {
	t.Helper()
	var list []string
	for _, address := range targets {
		list = append(list, fmt.Sprintf("{url: %q}", "http://"+address))
	}
	return deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
limits: {buffered_body: 64KiB}
apis:
- name: orders
  version: "1"
  base_path: /
  upstream:
    targets: [%s]
%s
  policies: {identify: none}
`, strings.Join(list, ", "), indent("    ", more)))
}

// closing is a script of a target that gives this status, and closes.
func closing(status int) func(*target, *peer) {
	return once(fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status))
}

// slam is a script of a target that takes a request and closes.
func slam(u *target, p *peer) { u.seen <- p.request() }

// Which requests are sent to the other target when the first fails them.
func TestWhatIsSentAgain(t *testing.T) {
	const none, whole, held, chunked, large, waits = "\r\n", "Content-Length: 3\r\n\r\nabc", "held", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "large", "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
	for _, tt := range []struct {
		name   string
		script func(*target, *peer) // of the first target; nil: nobody is there
		retry  string
		method string
		body   string
		want   int
	}{
		{"503 to GET", closing(503), "retry: {}", "GET", none, 200},
		{"503 to HEAD", closing(503), "retry: {}", "HEAD", none, 200},
		{"503 to DELETE", closing(503), "retry: {}", "DELETE", none, 200},
		{"503 to PUT", closing(503), "retry: {}", "PUT", whole, 200},
		{"503 to PUT, the body comes later", closing(503), "retry: {}", "PUT", held, 200},
		{"503 to PUT in chunks", closing(503), "retry: {}", "PUT", chunked, 503},
		{"503 to PUT of more than is held", closing(503), "retry: {}", "PUT", large, 503},
		{"503 to PUT that would have waited", closing(503), "retry: {}", "PUT", waits, 200},
		{"503 to POST", closing(503), "retry: {}", "POST", whole, 503},
		{"503 to PATCH", closing(503), "retry: {}", "PATCH", whole, 503},
		{"503 without retry", closing(503), "", "GET", none, 503},
		{"503 is not among them", closing(503), "retry: {on: [connect, 502]}", "GET", none, 503},
		{"500 is not among them", closing(500), "retry: {}", "GET", none, 500},
		{"500 is", closing(500), "retry: {on: ['500']}", "GET", none, 200},
		{"cut", slam, "retry: {}", "GET", none, 200},
		{"cut, POST", slam, "retry: {}", "POST", whole, 502},
		{"no HTTP", once("hello\r\n\r\n"), "retry: {}", "GET", none, 200},
		{"silent", never, "retry: {on: [timeout], try_timeout: 200ms}", "GET", none, 200},
		{"silent, POST", never, "retry: {on: [timeout], try_timeout: 200ms}\ntimeout: 500ms", "POST", whole, 504},
		{"nobody is there", nil, "", "GET", none, 200},
		{"nobody is there for POST", nil, "", "POST", whole, 200},
		{"nobody is there for POST in chunks", nil, "", "POST", chunked, 200},
		{"nobody is there for PUT that waits", nil, "", "PUT", waits, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := ""
			if tt.script == nil {
				first = closedPort(t)
			} else {
				first = newTarget(t, tt.script).address
			}
			other := newTarget(t, always(ok))
			d := inFront(t, tt.retry, first, other.address)
			p := dial(t, d.http)
			head := tt.method + " /x HTTP/1.1\r\nHost: h\r\nX-Request-Id: it\r\n"
			switch tt.body {
			case held:
				p.send(head + "Content-Length: 3\r\n\r\n")
				pause(20 * time.Millisecond)
				p.send("abc")
			case large:
				p.send(head + "Content-Length: 70000\r\n\r\n" + repeat('a', 70000))
			default:
				p.send(head + tt.body)
			}
			answer := p.answer(tt.method)
			wantStatus(t, answer, tt.want)
			line := d.accessLine("it")
			attempts, by := 1, first
			if tt.want == 200 {
				by = other.address
				if tt.script != nil {
					attempts = 2
				}
				request := other.next()
				host, body := field(request, "Host"), payload(request)
				if want := map[string]string{whole: "abc", held: "abc", waits: "abc", chunked: "3\r\nabc\r\n0\r\n\r\n"}[tt.body]; host != other.address || body != want {
					t.Errorf("the other target was sent Host %q and %q, want %q", host, body, want)
				}
			}
			if line["upstream"] != "http://"+by || line["attempts"] != float64(attempts) {
				t.Errorf("the log has %v attempts and upstream %v, want %d and %s", line["attempts"], line["upstream"], attempts, by)
			}
		})
	}
}

// Only the request line and Host are another target's; what a trusted proxy has
// said is there once.
func TestTheSecondTargetIsSentTheSame(t *testing.T) {
	first, other := newTarget(t, closing(503)), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
trusted_proxies: [127.0.0.1]
apis:
- name: orders
  version: "1"
  base_path: /
  upstream: {targets: [{url: "http://%s/a"}, {url: "http://%s/other/path"}], retry: {}}
  policies: {identify: none}
`, first.address, other.address))
	d.do("PUT /x?q HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\nX-Request-Id: it\r\nContent-Length: 2\r\n\r\nhi")
	moved := strings.NewReplacer("/a/x?q", "/other/path/x?q", first.address, other.address).Replace(first.next())
	if diff := cmp.Diff(moved, other.next()); diff != "" {
		t.Errorf("- first + other:\n%s", diff)
	}
}

func TestCircuitOpens(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"))
	d := inFront(t, "circuit_breaker: {failures: 2, open: 1h}", u.address)
	for range 2 {
		wantStatus(t, d.do(getOrders), 503)
	}
	answer := d.do("GET /x HTTP/1.1\r\nHost: h\r\nX-Request-Id: it\r\n\r\n")
	if status(answer) != 503 || field(answer, "Retry-After") != "3600" || !strings.Contains(answer, `"code":"circuit_open"`) {
		t.Errorf("answer %q", answer)
	}
	if line := d.accessLine("it"); line["attempts"] != 0.0 || line["upstream"] != "" {
		t.Errorf("the log has %v attempts and upstream %q", line["attempts"], line["upstream"])
	}
	if logged := `"msg":"circuit open","api":"orders/1","target":"http://` + u.address + `"`; strings.Count(d.log.String(), logged) != 1 {
		t.Errorf("the log does not say once that it is open: %s", d.log.String())
	}
	if got := d.metric(`postern_upstream_target_circuit_open{api="orders/1",target="http://` + u.address + `"}`); got != "1" {
		t.Errorf("circuit_open is %q", got)
	}
	if _, text := d.get("/rest/microgateway/status", ""); !strings.Contains(text, `"circuit":"open"`) {
		t.Errorf("status %s", text)
	}
}

func TestCircuitCloses(t *testing.T) {
	var well atomic.Bool
	u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !well.Load() {
			w.WriteHeader(503)
		}
	}))
	t.Cleanup(u.Close)
	d := inFront(t, "circuit_breaker: {failures: 1, open: 20ms}", u.Listener.Addr().String())
	wantStatus(t, d.do(getOrders), 503)
	well.Store(true)
	eventually(t, "a trial", func() bool { return status(d.do(getOrders)) == 200 })
	eventually(t, "the log says so", func() bool { return strings.Contains(d.log.String(), "circuit closed") })
}

// max_pending, the queue, and max_connections.
func TestTooManyRequests(t *testing.T) {
	for _, tt := range []struct {
		more   string
		second int // status of a request while another one runs
	}{
		{"max_pending: 1", 503},
		{"max_pending: 1\nqueue: {size: 1, wait: 10s}", 200},
		{"max_pending: 1\nqueue: {size: 1, wait: 10ms}", 503},
		{"max_connections: 1", 503},
	} {
		t.Run(tt.more, func(t *testing.T) {
			let := make(chan struct{})
			u := newTarget(t, func(u *target, p *peer) {
				for p.request() != "" {
					u.seen <- "came"
					<-let
					p.send(ok)
				}
			})
			d := inFront(t, tt.more, u.address)
			first, second := dial(t, d.http), dial(t, d.http)
			first.send(getOrders)
			u.next()
			second.send(getOrders)
			if tt.second == 503 {
				if answer := second.answer("GET"); status(answer) != 503 || !strings.Contains(answer, `"code":"overloaded"`) || field(answer, "Retry-After") == "" {
					t.Errorf("second answer %q", answer)
				}
			}
			close(let)
			wantStatus(t, first.answer("GET"), 200)
			if tt.second == 200 {
				wantStatus(t, second.answer("GET"), 200)
			}
			eventually(t, "there is room again", func() bool { return status(d.do(getOrders)) == 200 })
		})
	}
}

// An answer that streams counts until its end.
func TestAStreamIsPending(t *testing.T) {
	let := make(chan struct{})
	u := newTarget(t, func(u *target, p *peer) {
		for p.request() != "" {
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
			<-let
			p.send("cd")
		}
	})
	d := inFront(t, "max_pending: 1", u.address)
	p := dial(t, d.http)
	p.send(getOrders)
	wantStatus(t, p.head(), 200)
	wantStatus(t, d.do(getOrders), 503)
	close(let)
	p.take(4)
	eventually(t, "the stream has ended", func() bool {
		return d.metric(`postern_upstream_target_pending{api="orders/1",target="http://`+u.address+`"}`) == "0"
	})
}

// Connections that may wait are bounded, and wait as long as keep_idle says.
func TestIdleConnectionsAreBounded(t *testing.T) {
	u := newTarget(t, always(ok))
	d := inFront(t, "max_idle: 2\nkeep_idle: 300ms", u.address)
	let := make(chan struct{})
	slow := newTarget(t, func(_ *target, p *peer) {
		for p.request() != "" {
			<-let
			p.send(ok)
		}
	})
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), u.address, slow.address, 1)) })
	var callers []*peer
	for range 5 {
		p := dial(t, d.http)
		p.send(getOrders)
		callers = append(callers, p)
	}
	eventually(t, "five connections", func() bool { return slow.accepted() == 5 })
	close(let)
	for _, p := range callers {
		wantStatus(t, p.answer("GET"), 200)
	}
	eventually(t, "two of them wait", func() bool { return slow.open.Load() <= 2 })
	eventually(t, "and not for long", func() bool { return slow.open.Load() == 0 })
}
