package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serveFile names the variable by which a test's second process is told what
// to serve.
const serveFile = "POSTERN_TEST_SERVE"

// TestServeForAnotherProcess is the second process: a gateway alone, so that
// its memory can be looked at. Each line it reads makes it give back what it
// does not use.
func TestServeForAnotherProcess(t *testing.T) {
	file := os.Getenv(serveFile)
	if file == "" {
		t.Skip("it serves other tests")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", startText(t, string(text)).address)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		debug.FreeOSMemory()
		fmt.Println("settled")
	}
}

// process is a gateway in a process of its own.
type process struct {
	t       testing.TB
	address string
	pid     int
	in      io.Writer
	out     *bufio.Scanner
}

func startProcess(t testing.TB, b bundle) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(file, []byte(b.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeForAnotherProcess$")
	cmd.Env = append(os.Environ(), serveFile+"="+file)
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if inErr != nil || outErr != nil {
		t.Fatal(inErr, outErr)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	p := &process{t: t, pid: cmd.Process.Pid, in: in, out: bufio.NewScanner(out)}
	p.address = p.line("listening ")
	return p
}

// line returns what follows prefix on the process's next line that has it.
func (p *process) line(prefix string) string {
	p.t.Helper()
	for p.out.Scan() {
		if rest, ok := strings.CutPrefix(p.out.Text(), prefix); ok {
			return rest
		}
	}
	p.t.Fatalf("the gateway's process ended before it said %q", prefix)
	return ""
}

// memory reads a line of the process's status, in bytes.
func (p *process) memory(name string) int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		p.t.Skip("this system does not tell how much memory a process has")
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return n << 10
}

// chunksOf writes n zero bytes in chunks.
func chunksOf(w io.Writer, n int64) {
	c := httputil.NewChunkedWriter(w)
	io.CopyBuffer(c, struct{ io.Reader }{zeros(n)}, make([]byte, 60_000))
	c.Close()
	io.WriteString(w, "\r\n")
}

func TestBodiesAreNotHeld(t *testing.T) {
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n", int64(large))
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct{ name, up, down string }{
		{"upload of a length", length, ""},
		{"upload in chunks", chunked, ""},
		{"download of a length", "", length},
		{"download in chunks", "", chunked},
		{"download until close", "", "\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				p.head()
				p.SetDeadline(time.Now().Add(time.Minute))
				if n := drain(p.br, c.up, p); c.up != "" && n != large {
					t.Errorf("%d bytes arrived at the target", n)
				}
				if c.down == "" {
					p.send(ok)
					return
				}
				io.WriteString(p.Conn, "HTTP/1.1 200 OK\r\n"+c.down)
				fill(p, c.down)
			})
			g := startProcess(t, bundle{target: u.address})
			p := dial(t, g.address)
			p.SetDeadline(time.Now().Add(time.Minute))
			begun := time.Now()
			io.WriteString(p.Conn, "POST / HTTP/1.1\r\nHost: x\r\n"+c.up)
			if c.up == "" {
				io.WriteString(p.Conn, "\r\n")
			}
			fill(p, c.up)
			wantStatus(t, p.head(), 200)
			p.SetDeadline(time.Now().Add(time.Minute))
			down := c.down
			if down == "\r\n" {
				down = chunked
			}
			if n := drain(p.br, down, p); c.down != "" && n != large {
				t.Errorf("%d bytes arrived at the caller", n)
			}
			peak := g.memory("VmHWM")
			t.Logf("%d MiB in %v, peak RSS %d MiB", large>>20, time.Since(begun).Round(time.Millisecond), peak>>20)
			if peak > residency {
				t.Errorf("peak RSS %d MiB, want at most %d MiB", peak>>20, residency>>20)
			}
		})
	}
}

// fill writes the large body that framing announces.
func fill(p *peer, framing string) {
	switch {
	case strings.HasPrefix(framing, "Transfer"):
		chunksOf(p.Conn, large)
	case framing != "":
		io.Copy(struct{ io.Writer }{p.Conn}, zeros(large))
	}
}

// drain reads the large body that framing announces and returns its size.
func drain(r io.Reader, framing string, p *peer) int64 {
	var n int64
	switch {
	case strings.HasPrefix(framing, "Transfer"):
		n, _ = io.Copy(io.Discard, httputil.NewChunkedReader(r))
		p.take(2) // the end of the trailers
	case framing != "":
		n, _ = io.CopyN(io.Discard, r, large)
	}
	return n
}

// A connection that rests after its request keeps no buffers, so that 10,000 of
// them take less than 150 MiB with everything else.
func TestIdleConnectionsAreCheap(t *testing.T) {
	if raced {
		t.Skip("the race detector's own memory would be measured")
	}
	const each, most = 12 << 10, 150 << 20
	connections := max(4000, attackers(t, 10_000))
	g := startProcess(t, bundle{target: newTarget(t, always(ok)).address, limits: generous})
	wantStatus(t, dial(t, g.address).do(lines("GET / HTTP/1.1", "Host: x")), 200)
	before := g.settled()
	var callers []*peer
	for range connections {
		p := dial(t, g.address)
		p.br = bufio.NewReaderSize(p.Conn, 512)
		wantStatus(t, p.do(lines("GET / HTTP/1.1", "Host: x")), 200)
		callers = append(callers, p)
	}
	pause(hold + 200*time.Millisecond)
	after := g.settled()
	perConnection := (after - before) / int64(connections)
	t.Logf("RSS %d MiB, with %d idle connections %d MiB: %d bytes each", before>>20, connections, after>>20, perConnection)
	if perConnection > each {
		t.Errorf("%d bytes for each idle connection, want at most %d", perConnection, each)
	}
	if all := before + 10_000*perConnection; all > most {
		t.Errorf("10,000 idle connections take %d bytes, want at most %d", all, most)
	}
	wantStatus(t, callers[connections/2].do(lines("GET / HTTP/1.1", "Host: x")), 200)
}

// settled is the resident memory after what is unused was given back.
func (p *process) settled() int64 {
	for range 2 { // pools keep what they hold for one collection more
		fmt.Fprintln(p.in)
		p.line("settled")
	}
	return p.memory("VmRSS")
}

// descriptors is how many this process has, but for pipes: io.Copy between
// sockets, as scripts use it, keeps some for the next time.
func descriptors(t testing.TB) (n int) {
	const all = "/proc/self/fd/"
	entries, err := os.ReadDir(all)
	if err != nil {
		t.Skip("this system does not list descriptors")
	}
	for _, e := range entries {
		if what, _ := os.Readlink(all + e.Name()); !strings.HasPrefix(what, "pipe:") {
			n++
		}
	}
	return n
}

// Whatever happens to exchanges, their sockets come back.
func TestDescriptorsComeBack(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) {
		for head := p.head(); strings.HasSuffix(head, "\r\n\r\n"); head = p.head() {
			switch path := strings.Fields(head)[1]; path {
			case "/cut":
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
				return
			case "/silent":
				p.rest()
				return
			case "/early":
				p.send(ok)
			default:
				p.body(head, false)
				p.send(ok)
			}
		}
	})
	g := start(t, bundle{target: u.address, upstream: impatient})
	before := descriptors(t)
	for range 20 {
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /cut HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET / HTTP/7.1\r\nHost: x\r\n\r\n",
			"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		} {
			p := g.dial()
			p.send(request)
			if !strings.Contains(request, "/silent") {
				p.answer("GET")
			}
			p.Close()
		}
	}
	g.stop(time.Second)
	eventually(t, "no connection to the upstream", func() bool { return u.open.Load() == 0 })
	eventually(t, "descriptors as before", func() bool { return descriptors(t) < before })
}
