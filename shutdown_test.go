package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long what must come may take on a busy machine.
const patience = 20 * time.Second

// serving runs the command before an upstream, with more configuration.
func serving(t *testing.T, upstream http.HandlerFunc, more string) process {
	t.Helper()
	u := httptest.NewServer(upstream)
	t.Cleanup(u.Close)
	return start(t, write(t, strings.Replace(open, "http://127.0.0.1:9", u.URL, 1)+more))
}

// caller is a raw connection to a listener.
type caller struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, url string) *caller {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &caller{c, bufio.NewReader(c)}
}

// ask sends a GET and reads the whole answer.
func (c *caller) ask(path string) (*http.Response, string, error) {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path); err != nil {
		return nil, "", err
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// exit waits for the end of the process and returns its exit code.
func (p process) exit(t *testing.T) int {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	select {
	case err := <-ended:
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatalf("still there\n%s", p.log)
	}
	return p.ProcessState.ExitCode()
}

const orders = "/gateway/orders/1/x"

func answersOK(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

// Connections that rest, on either listener, see an orderly end.
func TestShutdownIdle(t *testing.T) {
	p := serving(t, answersOK, "")
	fresh, used, admin := dial(t, p.traffic), dial(t, p.traffic), dial(t, p.admin)
	for c, path := range map[*caller]string{used: orders, admin: "/livez"} {
		if response, _, err := c.ask(path); err != nil || response.StatusCode != 200 {
			t.Fatal(response, err)
		}
	}
	p.signal(t, syscall.SIGTERM)
	for name, c := range map[string]*caller{"fresh": fresh, "used": used, "admin": admin} {
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.in.ReadByte(); err != io.EOF {
			t.Errorf("%s: %v, want an orderly end", name, err)
		}
	}
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// Under load no request fails: not while the gateway says that it is leaving,
// and no connection ends before an answer has said so. Every answer has its line
// in the log when the process has ended.
func TestShutdownUnderLoad(t *testing.T) {
	p := serving(t, answersOK, "shutdown: {delay: 1s, grace: 20s}\n")
	var answers, farewells atomic.Int64
	var callers sync.WaitGroup
	quit := make(chan struct{})
	load := func() {
		for {
			c, err := net.Dial("tcp", strings.TrimPrefix(p.traffic, "http://"))
			if err != nil {
				t.Errorf("connect: %v", err)
				return
			}
			for stay, on := true, (&caller{c, bufio.NewReader(c)}); stay; {
				response, body, err := on.ask(orders)
				if err != nil || response.StatusCode != 200 || body != "ok" {
					t.Errorf("%v, %v, %q after %d answers", response, err, body, answers.Load())
					return
				}
				answers.Add(1)
				if stay = !response.Close; !stay {
					farewells.Add(1)
				}
				select {
				case <-quit:
					stay = false
				default:
				}
			}
			c.Close()
			select {
			case <-quit:
				return
			default:
			}
		}
	}
	for range 4 {
		callers.Go(load)
	}
	until(t, "traffic", func() bool { return answers.Load() > 100 })
	p.signal(t, syscall.SIGTERM)
	until(t, "not ready", func() bool { status, _ := get(t, p.admin+"/readyz"); return status == 503 })
	until(t, "answers that say goodbye", func() bool { return farewells.Load() > 4 })
	close(quit) // as a balancer does that has seen it
	callers.Wait()
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	if lines := strings.Count(p.log.String(), `"api":"orders/1","status":200,`); int64(lines) != answers.Load() {
		t.Errorf("%d lines for %d answers", lines, answers.Load())
	}
}

// until polls a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("no %s within %v", what, patience)
}

// An answer that comes slowly arrives whole.
func TestShutdownWaitsForAStream(t *testing.T) {
	proceed := make(chan struct{})
	p := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "begin ")
		w.(http.Flusher).Flush()
		<-proceed
		fmt.Fprint(w, "end")
	}, "")
	response, err := http.Get(p.traffic + orders)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	p.signal(t, syscall.SIGTERM)
	p.log.await(t, `"msg":"shutting down"`)
	close(proceed)
	if body, err := io.ReadAll(response.Body); string(body) != "begin end" || err != nil {
		t.Errorf("read %q, %v", body, err)
	}
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// A request that outlives shutdown.grace is cut, which the log and the exit code
// tell.
func TestShutdownCuts(t *testing.T) {
	arrived, proceed := make(chan struct{}), make(chan struct{})
	p := serving(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-proceed
	}, "shutdown: {grace: 200ms}\n")
	defer close(proceed)
	cut := make(chan error, 1)
	c := dial(t, p.traffic)
	go func() {
		_, _, err := c.ask(orders)
		cut <- err
	}()
	<-arrived
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if err := <-cut; err == nil {
		t.Error("the request that was cut has an answer")
	}
	p.log.await(t, `"level":"warn",[^\n]*"msg":"shut down","error":"1 connections were cut: their requests had not finished within shutdown.grace"`)
	p.log.await(t, `"status":499,[^\n]*"path":"/gateway/orders/1/x"|"path":"/gateway/orders/1/x"[^\n]*"status":499`)
}

// Who reads the logs may leave: requests go on, and the lost lines are counted.
func TestNobodyReadsTheLog(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := process{Cmd: exec.CommandContext(t.Context(), os.Args[0], "run", "-c", write(t, open)), log: new(output)}
	p.Stdout, p.Stderr = to, to
	p.Env = append(os.Environ(), asCommand+"=1")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	to.Close()
	lines := bufio.NewReader(from)
	addresses := map[string]string{}
	for len(addresses) < 2 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`"listener":"(\w+)","address":"([^"]+)"`).FindStringSubmatch(line); found != nil {
			addresses[found[1]] = "http://" + found[2]
		}
	}
	from.Close()
	until(t, "counted lines", func() bool {
		if status, body := get(t, addresses["http"]+orders); status != http.StatusBadGateway {
			t.Fatalf("status %d: %s", status, body)
		}
		_, metrics := get(t, addresses["admin"]+"/metrics")
		return regexp.MustCompile(`(?m)^postern_access_log_dropped_total [1-9]`).MatchString(metrics)
	})
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestDeafOperator: who asks on the operator's listener and takes no answer
// neither holds up the end nor spoils it.
func TestDeafOperator(t *testing.T) {
	p := start(t, write(t, open+"shutdown: {grace: 25s}\n"))
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.admin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	requests := []byte(strings.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 1000))
	for err == nil { // until the gateway waits for its answers to be taken
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = conn.Write(requests)
	}
	begun := time.Now()
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d after %v, want 0:\n%s", code, time.Since(begun), p.log)
	}
}
