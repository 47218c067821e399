package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/gateway/router"
)

// heardRequest is what a request says to whoever acts on it. Two readers of the same
// bytes that find other messages can be played against each other.
type heardRequest struct{ Method, Target, Host, Body string }

// readMessages reads bytes as net/http does: all messages up to what it does not
// understand, or to the end of the connection.
func readMessages(raw []byte) (found []heardRequest) {
	br := bufio.NewReader(bytes.NewReader(raw))
	for {
		if b, _ := br.Peek(2); string(b) == "\r\n" {
			_, _ = br.Discard(2) // as a server that reads requests may, RFC 9112 2.2
		}
		r, err := http.ReadRequest(br)
		if err != nil {
			return found
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return found
		}
		found = append(found, heardRequest{r.Method, canonicalTarget(r), strings.ToLower(r.Host), string(body)})
		if r.Close {
			return found
		}
	}
}

// canonicalTarget is the origin-form of a target with its path as the gateway
// writes it, and "refused" where the gateway would not.
func canonicalTarget(r *http.Request) string {
	target := r.RequestURI
	if r.URL.IsAbs() {
		_, target, _ = strings.Cut(target, "://")
		if at := strings.IndexAny(target, "/?"); at >= 0 {
			target = target[at:]
		} else {
			target = ""
		}
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	path, query, asked := strings.Cut(target, "?")
	if asked {
		query = "?" + query
	}
	canonical, _, err := router.Canonical(nil, []byte(path))
	if err != nil {
		return "refused"
	}
	return string(canonical) + query
}

// recorder is a target that reads requests as net/http does and keeps what it
// understood.
type recorder struct {
	address string
	mu      sync.Mutex
	heard   []heardRequest
	puzzled []string // what it could not read
}

func newRecorder(t testing.TB) *recorder {
	t.Helper()
	r := new(recorder)
	r.address = newTarget(t, func(_ *target, p *peer) {
		for r.listen(p) {
			p.send(ok)
		}
	}).address
	return r
}

// listen keeps the next request and reports whether there was a whole one.
func (r *recorder) listen(p *peer) bool {
	request, err := http.ReadRequest(p.br)
	if err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			r.keep(nil, err.Error())
		}
		return false
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false // the gateway has ended it, as its caller did
	}
	r.keep(&heardRequest{request.Method, request.RequestURI, strings.ToLower(request.Host), string(body)}, "")
	return true
}

func (r *recorder) keep(m *heardRequest, puzzle string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m != nil {
		r.heard = append(r.heard, *m)
	} else {
		r.puzzled = append(r.puzzled, puzzle)
	}
}

// take returns what was heard since the last time.
func (r *recorder) take(t testing.TB) []heardRequest {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	heard, puzzled := r.heard, r.puzzled
	r.heard, r.puzzled = nil, nil
	if puzzled != nil {
		t.Fatalf("net/http does not understand what was forwarded: %q", puzzled)
	}
	return heard
}

// spoken is the connection of a caller that has said all it has to say, and
// reads all it is told.
type spoken struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *spoken) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *spoken) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *spoken) Close() error                { return nil }
func (s *spoken) LocalAddr() net.Addr         { return nil }
func (s *spoken) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1"))
}
func (s *spoken) SetDeadline(time.Time) error      { return nil }
func (s *spoken) SetReadDeadline(time.Time) error  { return nil }
func (s *spoken) SetWriteDeadline(time.Time) error { return nil }

// say serves raw as a connection has brought it, to its end, and returns what was
// answered.
func (r *running) say(raw []byte) []byte {
	c := &spoken{in: bytes.NewReader(raw)}
	s := r.server.newSession(c)
	r.server.readers.Give(s.conn)
	s.serve()
	return c.out.Bytes()
}

// answers reads raw answers to requests as net/http does and returns the final
// ones' status codes. What cannot be read to its end fails the test.
func answers(t testing.TB, raw []byte, requests []heardRequest) (codes []int) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(raw))
	for {
		if _, err := br.Peek(1); err == io.EOF {
			return codes
		}
		request := new(http.Request)
		if len(codes) < len(requests) {
			request.Method = requests[len(codes)].Method
		}
		r, err := http.ReadResponse(br, request)
		if err != nil {
			t.Fatalf("net/http does not understand the answer: %v in %q", err, raw)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatalf("net/http does not understand the answer's body: %v in %q", err, raw)
		}
		if r.StatusCode >= 200 {
			codes = append(codes, r.StatusCode)
		}
	}
}

// agree fails the test unless each request that the target has answered is the
// message that net/http reads in its place, and is all that the target was sent.
// It returns the status codes of the answers.
func agree(t testing.TB, raw, told []byte, heard []heardRequest) []int {
	t.Helper()
	theirs := readMessages(raw)
	codes := answers(t, told, theirs)
	var want []heardRequest
	for i, code := range codes {
		if i == len(theirs) && code != 200 {
			// Neither wants it, but the gateway knows where it ends. What follows
			// net/http does not say.
			heard = heard[:min(len(want), len(heard))]
			break
		}
		if code != 200 {
			continue
		}
		if i >= len(theirs) {
			t.Fatalf("request %d was forwarded, and net/http does not understand it; forwarded: %+v\n%q", i, heard, raw)
		}
		want = append(want, theirs[i])
	}
	if diff := cmp.Diff(want, heard, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%q (-net/http +forwarded):\n%s", raw, diff)
	}
	return codes
}
