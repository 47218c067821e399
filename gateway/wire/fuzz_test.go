package wire_test

import (
	"bufio"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/wire"
)

// The fuzz targets compare this package's reading with net/http's: where both
// accept a message they must mean the same one. What only net/http accepts is
// refused here on purpose.

// values returns what would be forwarded, by canonical name.
func values(head *wire.Head) map[string][]string {
	fields := map[string][]string{}
	head.Visit(func(name, value []byte) {
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		fields[key] = append(fields[key], string(value))
	})
	return fields
}

// sameFields fails unless each field in ours has the values it has in theirs.
func sameFields(t *testing.T, ours map[string][]string, theirs http.Header) {
	t.Helper()
	for name, want := range ours {
		if name == "Host" || name == "Trailer" {
			continue // net/http keeps them elsewhere
		}
		if got := theirs[name]; !slices.Equal(got, want) {
			t.Fatalf("%s is %q here and %q in net/http", name, want, got)
		}
	}
}

// body reads a body to its end.
func (m *message) body(br *bufio.Reader) (string, *wire.Body, error) {
	b := new(wire.Body)
	if m.Chunked {
		b.SetChunked(br)
	} else {
		b.SetLength(br, max(m.Length, 0))
	}
	all, err := io.ReadAll(b)
	return string(all), b, err
}

func FuzzRequestHead(f *testing.F) {
	for _, tt := range refusedRequests {
		f.Add(withLine(tt.raw))
	}
	for _, raw := range []string{
		"GET /a//b/%2f/../c%41;x=1?q=%20+&q=1 HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\n\r\n",
		"POST http://a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3;a\r\nabc\r\n0\r\nX: y\r\n\r\nGET",
		"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nConnection: close, X\r\nX: 1\r\nX_Y: 2\r\nx:3\r\n\r\n",
		"GET / HTTP/1.0\r\nCookie: a=b; c\r\nCookie: d\r\nUser-Agent: x\r\nPragma: no-cache\r\n\r\n",
		"\r\nPUT / HTTP/1.1\r\nhost: a\r\ncontent-type:\r\nexpect: 100-continue\r\ncontent-length: 01\r\n\r\na",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		br := newReader(raw)
		m := new(message)
		if err := m.read(br); err != nil {
			return
		}
		theirs, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimPrefix(raw, "\r\n"))))
		if err != nil {
			return
		}
		checkRequest(t, m, theirs)
		checkMirror(t, m)
		got, _, err := m.body(br)
		want, theirErr := io.ReadAll(theirs.Body)
		if err == nil && theirErr == nil && got != string(want) {
			t.Fatalf("body is %q here and %q in net/http", got, want)
		}
	})
}

// checkRequest compares what routing and framing depend on.
func checkRequest(t *testing.T, m *message, theirs *http.Request) {
	t.Helper()
	length := m.Length
	if m.Length < 0 && !m.Chunked {
		length = 0 // as net/http says of a request without a body
	}
	target := string(m.header.RequestURI())
	if theirs.URL.IsAbs() {
		_, rest, _ := strings.Cut(theirs.RequestURI, "://")
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			rest = rest[i:]
		} else {
			rest = ""
		}
		theirs.RequestURI = "/" + strings.TrimPrefix(rest, "/")
	}
	if !strings.EqualFold(theirs.Host, string(m.header.Host())) {
		t.Fatalf("host is %q here and %q in net/http", m.header.Host(), theirs.Host)
	}
	ours := []any{string(m.header.Method()), target, length, m.Chunked, m.HTTP10}
	want := []any{theirs.Method, theirs.RequestURI, theirs.ContentLength, len(theirs.TransferEncoding) == 1, theirs.ProtoMinor == 0}
	if diff := cmp.Diff(want, ours); diff != "" {
		t.Fatal(diff)
	}
	if theirs.Close && !m.Close {
		t.Fatal("net/http would close after this request")
	}
	sameFields(t, values(&m.head), theirs.Header)
}

// checkMirror compares what policies read with what is forwarded.
func checkMirror(t *testing.T, m *message) {
	t.Helper()
	for name, want := range values(&m.head) {
		switch name {
		case "Host", "Content-Type", "User-Agent", "Cookie", "Trailer":
			continue // fasthttp keeps one of each, or its parts
		}
		var got []string
		for _, v := range m.header.PeekAll(name) {
			got = append(got, string(v))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("policies read %s as %q, forwarded is %q", name, got, want)
		}
	}
}

func FuzzResponseHead(f *testing.F) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\nabcHTTP",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.0 200\r\nConnection: keep-alive, X\r\nX: 1\r\n\r\nabc",
		"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 304 \r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\nX: a\r\n b\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
	} {
		f.Add(raw, true)
		f.Add(raw, false)
	}
	f.Fuzz(func(t *testing.T, raw string, isHead bool) {
		br := newReader(raw)
		head := new(wire.Head)
		r, err := readResponse(br, head)
		if err != nil || r.Status == 101 {
			return
		}
		request := &http.Request{Method: "GET"}
		if isHead {
			request.Method = "HEAD"
		}
		theirs, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), request)
		if err != nil {
			return
		}
		if r.Status != theirs.StatusCode {
			t.Fatalf("status is %d here and %d in net/http", r.Status, theirs.StatusCode)
		}
		sameFields(t, values(head), theirs.Header)
		b := responseBody(&r, br, isHead)
		got, err := io.ReadAll(b)
		want, theirErr := io.ReadAll(theirs.Body)
		if err == nil && theirErr == nil && string(got) != string(want) {
			t.Fatalf("body is %q here and %q in net/http", got, want)
		}
		if _, known := b.Length(); theirs.Close && !r.Close && (known || b.Chunked()) {
			t.Fatal("net/http would close after this answer")
		}
	})
}

// responseBody opens an answer's body as the upstream transport does.
func responseBody(r *wire.Response, br *bufio.Reader, isHead bool) *wire.Body {
	b := new(wire.Body)
	switch {
	case r.Bodyless(isHead):
		b.SetLength(br, 0)
	case r.Chunked:
		b.SetChunked(br)
	case r.Length >= 0:
		b.SetLength(br, r.Length)
	default:
		b.SetUntilClose(br)
	}
	return b
}

// chunkedRequest is a request with body as its chunked body, read by net/http.
func chunkedRequest(t *testing.T, body, declared string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + declared + "\r\n" + body)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func FuzzChunked(f *testing.F) {
	for _, tt := range chunkedBodies {
		f.Add([]byte(tt.raw), uint8(0))
		f.Add([]byte(tt.raw+"GET / HTTP/1.1\r\n"), uint8(1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		var b wire.Body
		b.SetChunked(newReader(string(raw)))
		got, err := io.ReadAll(&b)
		if b.Done() != (err == nil) {
			t.Fatalf("done is %v after %v", b.Done(), err)
		}
		// However the bytes come in, they mean the same.
		var slow wire.Body
		slow.SetChunked(bufio.NewReaderSize(readerFunc(pieces(string(raw), int(size)+1)), headSize))
		again, slowErr := io.ReadAll(&slow)
		if string(again) != string(got) || slowErr != err {
			t.Fatalf("in pieces: %q, %v; at once: %q, %v", again, slowErr, got, err)
		}
		want, theirErr := io.ReadAll(chunkedRequest(t, string(raw), "").Body)
		if err == nil && theirErr == nil && string(got) != string(want) {
			t.Fatalf("body is %q here and %q in net/http", got, want)
		}
		if err == nil && theirErr == nil && b.BytesRead() != int64(len(want)) {
			t.Fatalf("counted %d bytes of %d", b.BytesRead(), len(want))
		}
	})
}

// pieces gives text in pieces of n bytes.
func pieces(text string, n int) func(p []byte) (int, error) {
	return func(p []byte) (int, error) {
		if text == "" {
			return 0, io.EOF
		}
		took := copy(p[:min(n, len(p))], text)
		text = text[took:]
		return took, nil
	}
}

func FuzzTrailers(f *testing.F) {
	for _, lines := range []string{
		"", "X-Sum: 1\r\nx-sum:2\r\n", "X: y\r\n z\r\n", "X : y\r\n", "Content-Length: 5\r\nX: 1\r\n",
		"X_User: admin\r\nAuthorization: a\r\n", "X: \x00\r\n", "X: y\n", ": y\r\n", "X: y\r\n\r\nGET / HTTP/1.1\r\n",
	} {
		f.Add(lines)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		var b wire.Body
		b.SetChunked(newReader("0\r\n" + lines + "\r\n"))
		if _, err := io.ReadAll(&b); err != nil {
			return
		}
		var policies wire.Head
		policies.Set("X-User", "gateway")
		kept := string(b.Trailers(&policies))
		passed := trailerValues(t, kept)
		theirs := chunkedRequest(t, "0\r\n"+lines+"\r\n", "Trailer: X\r\n")
		if _, err := io.ReadAll(theirs.Body); err != nil {
			return
		}
		sameFields(t, passed, theirs.Trailer)
	})
}

// trailerValues reads lines that are passed on, as whoever receives them would,
// and fails when one of them should not have been.
func trailerValues(t *testing.T, lines string) map[string][]string {
	t.Helper()
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(lines + "\r\n"))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("what is passed on cannot be read: %q: %v", lines, err)
	}
	for name := range fields {
		switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
		case "content-length", "transfer-encoding", "host", "authorization", "cookie", "set-cookie", "connection", "trailer", "x-user":
			t.Fatalf("%s was passed on as a trailer", name)
		}
	}
	return fields
}
