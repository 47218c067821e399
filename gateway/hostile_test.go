package gateway

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// attackers is how many connections an attack holds: POSTERN_TEST_ATTACKERS if it
// is set, and at most as many as are of use; otherwise few enough to leave time
// for other tests.
func attackers(t testing.TB, most int) int {
	t.Helper()
	said := os.Getenv("POSTERN_TEST_ATTACKERS")
	if said == "" {
		return most / 5
	}
	n, err := strconv.Atoi(said)
	if err != nil {
		t.Fatal(err)
	}
	return min(most, n)
}

// attack opens n connections to g and sends first on each; then drip goes out
// on all of them, again and again, until stop. What comes back is not read.
func attack(t testing.TB, g *process, n int, first, drip string) (stop func()) {
	t.Helper()
	conns := make([]net.Conn, 0, n)
	for range n {
		c, err := net.Dial("tcp", g.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.WriteString(c, first); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-quit:
				return
			case <-time.After(500 * time.Millisecond):
			}
			for _, c := range conns {
				if drip != "" {
					_, _ = io.WriteString(c, drip) // one that was cut is one less
				}
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
		for _, c := range conns {
			c.Close()
		}
	}
}

// honest asks for what anybody may have, on a kept and on a fresh connection in
// turn, until the time is over; every answer must be right.
func honest(t testing.TB, g *process, span time.Duration) (asked int, slowest time.Duration) {
	t.Helper()
	kept := dial(t, g.address)
	for end := time.Now().Add(span); time.Now().Before(end); asked++ {
		p := kept
		if asked%2 == 1 {
			p = dial(t, g.address)
		}
		begun := time.Now()
		if answer := p.do(get); status(answer) != 200 || payload(answer) != "ok" {
			t.Fatalf("an honest caller was answered %q after %v", answer, time.Since(begun))
		}
		slowest = max(slowest, time.Since(begun))
		if p != kept {
			p.Close()
		}
		pause(5 * time.Millisecond)
	}
	return asked, slowest
}

// generous are limits that let attackers stay for the whole of a test.
const generous = "connections: 12000\nheader_timeout: 60s\nbody_timeout: 60s\nidle_timeout: 60s"

// Whatever attackers hold, others are served, and what a connection can cost is
// bounded. Without the race detector, whose own memory would be measured, each
// of them has at most as many bytes as README.md says.
func TestAttackersStarveNobody(t *testing.T) {
	large := "HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n"
	u := newTarget(t, func(_ *target, p *peer) {
		p.br.Reset(p.Conn)
		for head := p.head(); head != ""; head = p.head() {
			switch {
			case strings.HasPrefix(head, "GET /large"):
				io.WriteString(p.Conn, large)
				io.Copy(p.Conn, zeros(1<<28))
			case strings.HasPrefix(head, "POST"):
				io.Copy(io.Discard, p.Conn)
				return
			default:
				p.send(ok)
			}
		}
	})
	for _, c := range []struct {
		name, first, drip string
		most              int
		each              int64
	}{
		{"nothing is said", "", "", 10_000, 12 << 10},
		{"request lines drip", "GET /", "a", 10_000, 48 << 10},
		{"heads drip", "GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", 10_000, 48 << 10},
		{"bodies drip", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", "a", 4000, 96 << 10},
		{"chunks drip", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 4000, 96 << 10},
		{"answers are not read", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", "", 1000, 256 << 10},
		{"pipelines are not read", strings.Repeat(get, 100), get, 4000, 64 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := startProcess(t, bundle{target: u.address, limits: generous})
			honest(t, g, 100*time.Millisecond)
			before := g.settled()
			n := attackers(t, c.most)
			begun := time.Now()
			stop := attack(t, g, n, c.first, c.drip)
			defer stop()
			took := time.Since(begun)
			asked, slowest := honest(t, g, time.Second)
			after := g.memory("VmRSS")
			each := (after - before) / int64(n)
			t.Logf("%d attackers after %v: RSS %d MiB, at first %d MiB, %d bytes each; %d answers to honest callers, the slowest after %v",
				n, took.Round(time.Millisecond), after>>20, before>>20, each, asked, slowest.Round(100*time.Microsecond))
			if each > c.each && !raced {
				t.Errorf("%d bytes for each attacker, want at most %d", each, c.each)
			}
		})
	}
}

// slowhttptest is the tool by which others find such attacks: in each of its
// modes, an honest caller is served and the attackers end by the limits.
func TestSlowHTTPTest(t *testing.T) {
	tool := program(t, "slowhttptest")
	body := "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n" + repeat('a', 1<<18)
	u := newTarget(t, func(_ *target, p *peer) {
		for head := p.head(); head != ""; head = p.head() {
			p.body(head, false)
			if strings.HasPrefix(head, "GET /large") {
				p.send(body)
			} else {
				p.send(ok)
			}
		}
	})
	for name, mode := range map[string][]string{
		"slow headers": {"-H", "-i", "1"},
		"slow body":    {"-B", "-i", "1", "-s", "8192"},
		"slow read":    {"-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3"},
		"ranges":       {"-R"},
	} {
		t.Run(name, func(t *testing.T) {
			g := startProcess(t, bundle{target: u.address, limits: "header_timeout: 2s\nbody_timeout: 2s\nidle_timeout: 10s"})
			honest(t, g, 100*time.Millisecond)
			cmd := exec.Command(tool, append(mode, "-c", "200", "-r", "200", "-l", "4", "-u", "http://"+g.address+"/large")...)
			begun := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			asked, slowest := honest(t, g, 3*time.Second)
			if err := <-done; err != nil {
				t.Errorf("slowhttptest: %v", err)
			}
			t.Logf("%d answers to honest callers in %v, the slowest after %v", asked, time.Since(begun).Round(time.Second), slowest.Round(100*time.Microsecond))
		})
	}
}

// However many requests a caller sends ahead, they are answered in their order,
// one at a time: what is not yet read waits where it came from.
func TestDeepPipeline(t *testing.T) {
	const depth = 5000
	var running, most atomic.Int64
	u := newTarget(t, func(_ *target, p *peer) {
		for head := p.head(); head != ""; head = p.head() {
			most.Store(max(most.Load(), running.Add(1)))
			_, path, _ := strings.Cut(head, " ")
			path, _, _ = strings.Cut(path, " ")
			running.Add(-1)
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path))
		}
	})
	g := start(t, bundle{target: u.address})
	p := g.dial()
	go func() {
		var all strings.Builder
		for n := range depth {
			fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", n)
		}
		p.send(all.String())
	}()
	for n := range depth {
		if answer := p.answer("GET"); payload(answer) != fmt.Sprintf("/%d", n) {
			t.Fatalf("answer %d is %q", n, answer)
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d requests of one caller ran at once", most.Load())
	}
}

// A head of very many parameters, and one of as many fields as may be, cost no
// more than their size.
func TestManyParametersAndFields(t *testing.T) {
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "header_size: 1MiB"})
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"parameters":      {"GET /?" + strings.Repeat("a=b&", 200_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		"cookies":         {"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + strings.Repeat("a=b; ", 150_000) + "\r\n\r\n", 200},
		"fields":          {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 255) + "\r\n", 200},
		"one field more":  {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 256) + "\r\n", 431},
		"too many fields": {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 100_000) + "\r\n", 431},
		"segments":        {"GET " + strings.Repeat("/a", 200_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		"forwarded hops":  {"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + strings.Repeat("1.1.1.1, ", 90_000) + "\r\n\r\n", 200},
	} {
		t.Run(name, func(t *testing.T) { wantStatus(t, g.do(c.request), c.want) })
	}
}

// A caller whose side is closed in the middle of what it says is not waited for,
// and what it has said is not taken for more than it is.
func TestHalfClosedCallers(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		head := p.head()
		text, _ := p.rest()
		u.seen <- head + text
	})
	g := start(t, bundle{target: u.address, limits: "header_timeout: 60s\nbody_timeout: 60s\nidle_timeout: 60s"})
	for _, c := range []struct{ name, said string }{
		{"nothing", ""},
		{"request line", "GET / HT"},
		{"head", "GET / HTTP/1.1\r\nHost: x\r\nX: y"},
		{"body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"},
		{"chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := g.dial()
			p.send(c.said)
			p.Conn.(*net.TCPConn).CloseWrite()
			if text, _ := p.rest(); status(text) == 200 {
				t.Errorf("half a request was answered %q", text)
			}
			if strings.HasPrefix(c.said, "POST") {
				if got := u.next(); strings.HasSuffix(got, "0\r\n\r\n") || strings.Contains(got, "abcd") {
					t.Errorf("the target was sent %q as if it were whole", got)
				}
			}
		})
	}
	if n := u.accepted(); n != 2 {
		t.Errorf("%d requests were forwarded, want the 2 that had a head", n)
	}
}
