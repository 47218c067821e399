package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/examples/demo"
	"postern/provisioning"

	"postern/provisioning/commandline"
)

const open = `ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  policies: {identify: none}
`

// write puts a configuration into a directory of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs one command line to its end.
func command(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = commandline.Execute(t.Context(), newRoot(), args, commandline.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestCheck(t *testing.T) {
	broken := strings.NewReplacer("identify: none", "identify: nobody", "ports:", "prots:").Replace(open)
	warned := strings.Replace(open, "admin_api: {listen", "admin_api: {on_traffic_port: true, listen", 1)
	unbuildable := open + `auth_servers:
- name: corp
  issuer: corp
  local_introspection: {public_key: postern.yaml}
  audience: unchecked
`
	for _, tt := range []struct {
		name, text string
		flags      []string
		code       int
		lines      []string // what each line of the report begins with, after the file's name
	}{
		{name: "good", text: open},
		{name: "broken", text: broken, code: 1, lines: []string{":1:1: prots: ", ":7:24: apis[0].policies.identify: "}},
		{name: "warning", text: warned, lines: []string{":2:"}},
		{name: "strict", text: warned, flags: []string{"--strict"}, code: 1, lines: []string{":2:"}},
		{name: "only building fails", text: unbuildable, code: 1, lines: []string{":11:37: auth_servers[0].local_introspection.public_key: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			code, out, stderr := command(t, append([]string{"check", "-c", path}, tt.flags...)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d: %s%s", code, tt.code, out, stderr)
			}
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if out == "" {
				lines = nil
			}
			if len(lines) != len(tt.lines) {
				t.Fatalf("%d lines, want %d:\n%s", len(lines), len(tt.lines), out)
			}
			for i, begin := range tt.lines {
				if !strings.HasPrefix(lines[i], path+begin) {
					t.Errorf("line %q, want it to begin with %q", lines[i], path+begin)
				}
			}
		})
	}
}

func TestCheckJSON(t *testing.T) {
	path := write(t, strings.Replace(open, "identify: none", "identity: none", 1))
	code, out, _ := command(t, "check", "--json", "-c", path)
	var got provisioning.Report
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || len(got) == 0 {
		t.Fatalf("exit code %d, %v in %q", code, err, out)
	}
	if got[0].File != path || got[0].Line != 7 || got[0].Message == "" {
		t.Errorf("the first issue is %+v", got[0])
	}

	code, out, _ = command(t, "check", "--json", "-c", write(t, open))
	if diff := cmp.Diff("[]\n", out); code != 0 || diff != "" {
		t.Errorf("exit code %d (-want +got):\n%s", code, diff)
	}
}

// TestSources: what is named is read, all of it; what is not named is looked
// for in the working directory.
func TestSources(t *testing.T) {
	first, second := write(t, open), write(t, strings.Replace(open[strings.Index(open, "apis"):], "orders", "stock", 1))
	if code, out, stderr := command(t, "check", "-c", first, "--config", second); code != 0 {
		t.Errorf("two files: exit code %d: %s%s", code, out, stderr)
	}
	if code, _, _ := command(t, "check", "-c", first, "-c", first); code != 1 {
		t.Errorf("the same file twice: exit code %d, want 1", code)
	}
	if code, out, stderr := command(t, "check", "-c", filepath.Dir(first)); code != 0 {
		t.Errorf("directory: exit code %d: %s%s", code, out, stderr)
	}
	t.Chdir(filepath.Dir(first))
	if code, out, stderr := command(t, "check"); code != 0 {
		t.Errorf("working directory: exit code %d: %s%s", code, out, stderr)
	}
	t.Chdir(t.TempDir())
	if _, err := os.Stat("/etc/postern"); err == nil {
		t.Skip("this machine has /etc/postern")
	}
	for _, verb := range []string{"check", "run"} {
		if code, out, stderr := command(t, verb); code != 1 || !strings.Contains(out+stderr, "postern.yaml") {
			t.Errorf("%s without any: exit code %d: %s%s", verb, code, out, stderr)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"serve"}, {"run", "--cofnig", "x"}, {"check", "-c"}, {"demo", "twice"}} {
		if code, _, stderr := command(t, args...); code != 2 || !strings.HasPrefix(stderr, "postern: ") {
			t.Errorf("%q: exit code %d, %q", args, code, stderr)
		}
	}
	for line, want := range map[string]string{
		"tokn":                   "; did you mean \"token\"?; try postern --help\n",
		"token sing":             "postern: there is no \"sing\" among sign, verify, decode; did you mean \"sign\"?; try postern token --help\n",
		"token sign --agl ES256": "postern: unknown flag: --agl; did you mean \"alg\"?; try postern token sign --help\n",
	} {
		if _, _, stderr := command(t, strings.Fields(line)...); !strings.HasPrefix(stderr, "postern: ") || !strings.HasSuffix(stderr, want) {
			t.Errorf("%q says %q, want %q at its end", line, stderr, want)
		}
	}
}

func TestRunReportsEveryFault(t *testing.T) {
	path := write(t, strings.NewReplacer("identify: none", "identify: nobody", "ports:", "prots:").Replace(open))
	code, _, stderr := command(t, "run", "-c", path)
	if code != 1 || !strings.Contains(stderr, path+":1:1: ") || !strings.Contains(stderr, path+":7:24: ") {
		t.Errorf("exit code %d, want 1 and both faults:\n%s", code, stderr)
	}
}

func TestDemoExitCode(t *testing.T) {
	if code, out, stderr := command(t, "demo", "--once"); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	unguarded := func(text string) string {
		return strings.Replace(text, `authorize: {token_scopes: {any: ["orders:read"]}}`, "", 1)
	}
	var out bytes.Buffer
	broken := newDemo(demo.Hooks{Settings: unguarded})
	if code := commandline.Execute(t.Context(), broken, []string{"--once"}, commandline.Streams{Out: &out, Err: &out}); code != 1 {
		t.Errorf("without a rule: exit code %d, want 1\n%s", code, &out)
	}
}

// TestDemoTellsWhatRunTells: its status has the outcome of reloads and the
// version, and its log follows the level that is edited.
func TestDemoTellsWhatRunTells(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	out, log := new(output), new(output)
	ended := make(chan int, 1)
	go func() {
		ended <- commandline.Execute(ctx, newRoot(), []string{"demo"}, commandline.Streams{Out: out, Err: log})
	}()
	defer func() {
		leave()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d\n%s", code, log)
		}
	}()
	printed := out.await(t, `Admin +(http://[^/]+)(?s:.*)Settings +(\S+)`)
	_, body := get(t, printed[1]+"/rest/microgateway/status")
	if !regexp.MustCompile(`"version":"[^"]+".*"reload":\{"success":true,.*"applied":1,`).MatchString(body) {
		t.Errorf("status %s, want a version and one configuration applied", body)
	}
	text, err := os.ReadFile(printed[2])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(printed[2], bytes.Replace(text, []byte("level: warn"), []byte("level: info"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	log.await(t, `"msg":"configuration applied","generation":2`)
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the process has written what pattern finds.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	find := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if found := find.FindStringSubmatch(o.String()); found != nil {
			return found
		}
		select {
		case <-t.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatalf("no %s in\n%s", pattern, o)
	return nil
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// awaitGeneration waits until the status shows a generation.
func (p process) awaitGeneration(t *testing.T, n int) {
	t.Helper()
	var status string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		_, status = get(t, p.admin+"/rest/microgateway/status")
		if strings.Contains(status, fmt.Sprintf(`"generation":%d,`, n)) {
			return
		}
	}
	t.Fatalf("no generation %d in %s", n, status)
}

func (p process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestRun: the command serves, loads again on SIGHUP and on a change, takes a
// new log level over, and ends with exit code 0 on SIGTERM.
func TestRun(t *testing.T) {
	path := write(t, open)
	p := start(t, path)
	if status, body := get(t, p.traffic+"/gateway/orders/1/x"); status != http.StatusBadGateway {
		t.Errorf("status %d, want 502: %s", status, body)
	}
	p.signal(t, syscall.SIGHUP)
	p.awaitGeneration(t, 2)
	if err := os.WriteFile(path, []byte(open+"logging: {level: error, access: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.awaitGeneration(t, 3)
	silent := p.log.String()
	p.signal(t, syscall.SIGHUP)
	p.awaitGeneration(t, 4)
	if more, found := strings.CutPrefix(p.log.String(), silent); !found || strings.Contains(more, `"level":"info"`) {
		t.Errorf("at level error the log says\n%s", more)
	}
	if err := os.WriteFile(path, []byte("apis: {"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.log.await(t, `"level":"error"[^\n]*postern\.yaml:\d+:`)
	if _, status := get(t, p.admin+"/rest/microgateway/status"); !strings.Contains(status, path+":") {
		t.Errorf("the status does not say what is wrong: %s", status)
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// TestSignals: the first signal lets a request finish, the second ends the
// process at once.
func TestSignals(t *testing.T) {
	arrived, proceed := make(chan struct{}, 1), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-proceed
		fmt.Fprint(w, "done")
	}))
	defer upstream.Close()
	defer sync.OnceFunc(func() { close(proceed) })()
	for _, twice := range []bool{false, true} {
		t.Run(fmt.Sprintf("twice=%t", twice), func(t *testing.T) {
			p := start(t, write(t, strings.Replace(open, "http://127.0.0.1:9", upstream.URL, 1)))
			answered := make(chan string, 1)
			go func() {
				response, err := http.Get(p.traffic + "/gateway/orders/1/x")
				if err != nil {
					answered <- err.Error()
					return
				}
				defer response.Body.Close()
				body, _ := io.ReadAll(response.Body)
				answered <- string(body)
			}()
			<-arrived
			p.signal(t, syscall.SIGTERM)
			p.log.await(t, `"msg":"shutting down"`)
			if !twice {
				proceed <- struct{}{}
				if got := <-answered; got != "done" {
					t.Errorf("the caller of a running request got %q", got)
				}
				if err := p.Wait(); err != nil {
					t.Errorf("%v\n%s", err, p.log)
				}
				return
			}
			waited := make(chan error, 1)
			go func() { waited <- p.Wait() }()
			var ended *exec.ExitError
			if err := insist(p, waited); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("%v, want the end by the signal\n%s", err, p.log)
			}
			<-answered
		})
	}
}

// insist repeats the second signal, which may come while the first is still
// being taken, and returns how the process ended.
func insist(p process, waited <-chan error) error {
	for {
		_ = p.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case err := <-waited:
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}
