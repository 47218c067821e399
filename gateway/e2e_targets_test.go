package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// targetName names the variable by which a test's second process is told that it
// is a target, and which; targetAddress where it listens.
const (
	targetName    = "POSTERN_TEST_TARGET"
	targetAddress = "POSTERN_TEST_TARGET_ADDRESS"
)

// TestTargetForAnotherProcess is the second process: a target that says in
// X-Target who it is. Each line it reads makes it answer otherwise: "503" with
// this status, "slow" after two seconds, "well" as at first.
func TestTargetForAnotherProcess(t *testing.T) {
	name := os.Getenv(targetName)
	if name == "" {
		t.Skip("it serves other tests")
	}
	l, err := net.Listen("tcp", os.Getenv(targetAddress))
	if err != nil {
		t.Fatal(err)
	}
	var mood atomic.Value
	mood.Store("well")
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Target", name)
		switch mood.Load() {
		case "503":
			w.WriteHeader(503)
		case "slow":
			pause(2 * time.Second)
		}
		io.WriteString(w, "ok")
	}))
	fmt.Println("listening", l.Addr())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		mood.Store(in.Text())
		fmt.Println("is", in.Text())
	}
}

// remote is a target in a process of its own.
type remote struct {
	t       testing.TB
	name    string
	address string
	cmd     *exec.Cmd
	in      io.Writer
	out     *bufio.Scanner
}

// startRemote starts a target on an address; port 0 takes a free one.
func startRemote(t testing.TB, name, address string) *remote {
	t.Helper()
	r := &remote{t: t, name: name, cmd: exec.Command(os.Args[0], "-test.run=^TestTargetForAnotherProcess$")}
	r.cmd.Env = append(os.Environ(), targetName+"="+name, targetAddress+"="+address)
	in, inErr := r.cmd.StdinPipe()
	out, outErr := r.cmd.StdoutPipe()
	if inErr != nil || outErr != nil {
		t.Fatal(inErr, outErr)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	r.in, r.out = in, bufio.NewScanner(out)
	r.address = strings.TrimPrefix(r.line(), "listening ")
	return r
}

func (r *remote) line() string {
	r.t.Helper()
	if !r.out.Scan() {
		r.t.Fatalf("target %s has ended: %v", r.name, r.out.Err())
	}
	return r.out.Text()
}

// becomes makes the target answer otherwise.
func (r *remote) becomes(mood string) {
	r.t.Helper()
	fmt.Fprintln(r.in, mood)
	if line := r.line(); line != "is "+mood {
		r.t.Fatalf("target %s says %q", r.name, line)
	}
}

func (r *remote) signal(s syscall.Signal) { _ = r.cmd.Process.Signal(s) } // it may have ended

func (r *remote) kill() {
	r.signal(syscall.SIGKILL)
	_ = r.cmd.Wait() // it was killed
}

// calls counts the answers to requests of one kind.
type calls struct {
	sent, failed atomic.Int64
	mu           sync.Mutex
	by           map[string]int // answers of each target
	wrong        []string
}

func (c *calls) note(answer string) {
	c.sent.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if status(answer) == 200 {
		c.by[field(answer, "X-Target")]++
		return
	}
	if c.failed.Add(1); len(c.wrong) < 3 {
		c.wrong = append(c.wrong, answer)
	}
}

func (c *calls) of(target string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[target]
}

// call sends request over and over on several connections until quit.
func call(t testing.TB, address, request string, quit chan struct{}) (c *calls, ended *sync.WaitGroup) {
	c, ended = &calls{by: map[string]int{}}, new(sync.WaitGroup)
	for range 3 {
		p := dial(t, address)
		ended.Go(func() {
			defer func() { p.Close() }()
			for {
				select {
				case <-quit:
					return
				default:
				}
				answer := p.do(request)
				if c.note(answer); status(answer) == 0 || field(answer, "Connection") == "close" {
					p.Close()
					p = dial(t, address)
				}
			}
		})
	}
	return c, ended
}

// failing is a gateway in front of three targets, with the times of a test.
const failing = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
limits: {idle_timeout: 60s}
apis:
- name: orders
  version: "1"
  base_path: /
  upstream:
    targets: [{url: "http://%s"}, {url: "http://%s"}, {url: "http://%s"}]
    connect_timeout: 300ms
    timeout: 8s
    retry: {attempts: 3, on: [connect, reset, timeout, 502, 503], try_timeout: 500ms}
    ejection: {failures: 3, base: 500ms, max: 1s}
  policies: {identify: none}
`

const (
	getOrders  = "GET /orders HTTP/1.1\r\nHost: h\r\n\r\n"
	postOrders = "POST /orders HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
)

// One of three targets fails, in all the ways there are: no idempotent request
// fails with it, under 1 % of the others do, and it is back in time.
func TestOneTargetOfThreeFails(t *testing.T) {
	for _, tt := range []struct {
		name       string
		fail, mend func(t *testing.T, r *remote)
		address    func(t *testing.T) string // of a target that never was well
		stays      bool                      // it answers in the end, so that it is not ejected
	}{
		{
			name: "killed",
			fail: func(_ *testing.T, r *remote) { r.kill() },
			mend: func(t *testing.T, r *remote) { startRemote(t, r.name, r.address) },
		},
		{
			name: "stopped",
			fail: func(_ *testing.T, r *remote) { r.signal(syscall.SIGSTOP) },
			mend: func(_ *testing.T, r *remote) { r.signal(syscall.SIGCONT) },
		},
		{
			name:  "slow",
			fail:  func(_ *testing.T, r *remote) { r.becomes("slow") },
			mend:  func(_ *testing.T, r *remote) { r.becomes("well") },
			stays: true,
		},
		{
			name: "answering 503",
			fail: func(_ *testing.T, r *remote) { r.becomes("503") },
			mend: func(_ *testing.T, r *remote) { r.becomes("well") },
		},
		{name: "refusing", address: func(t *testing.T) string { return closedPort(t) }},
		{name: "blackholed", address: blackhole},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := startRemote(t, "a", "127.0.0.1:0"), startRemote(t, "b", "127.0.0.1:0")
			third := ""
			var c *remote
			if tt.address != nil {
				third = tt.address(t)
			} else {
				c = startRemote(t, "c", "127.0.0.1:0")
				third = c.address
			}
			d := deploy(t, t.TempDir(), fmt.Sprintf(failing, a.address, b.address, third))
			quit := make(chan struct{})
			gets, ended := call(t, d.http, getOrders, quit)
			posts, alsoEnded := call(t, d.http, postOrders, quit)
			if c != nil {
				eventually(t, "all targets answer", func() bool { return gets.of("c") > 20 && posts.of("c") > 20 })
				tt.fail(t, c)
			}
			before, more := posts.sent.Load(), int64(1000)
			if tt.stays {
				more = 20 // a third of them takes seconds
			}
			ejected := fmt.Sprintf(`postern_upstream_target_ejections_total{api="orders/1",target="http://%s"}`, third)
			patiently(t, "it is ejected twice, and requests are answered meanwhile", func() bool {
				return (tt.stays || d.metric(ejected) >= "2") && posts.sent.Load()-before > more
			})
			if c != nil {
				tt.mend(t, c)
				answered := gets.of("c")
				patiently(t, "it answers again", func() bool { return gets.of("c") > answered+50 })
			}
			close(quit)
			ended.Wait()
			alsoEnded.Wait()
			if n := gets.failed.Load(); n > 0 {
				t.Errorf("%d of %d idempotent requests failed: %q", n, gets.sent.Load(), gets.wrong)
			}
			if n, all := posts.failed.Load(), posts.sent.Load(); n*100 >= all {
				t.Errorf("%d of %d other requests failed: %q", n, all, posts.wrong)
			}
			t.Logf("%d idempotent requests, %d failed; %d others, %d failed; %s retries", gets.sent.Load(), gets.failed.Load(),
				posts.sent.Load(), posts.failed.Load(), d.metric(`postern_upstream_retries_total{api="orders/1"}`))
		})
	}
}

// patiently is eventually for what takes several times of the configuration.
func patiently(t testing.TB, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(6 * patience); !met(); pause(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", 6*patience, what)
		}
	}
}
