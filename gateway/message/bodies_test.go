package message_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/wire"
)

// request is an exchange whose request has this head, without its first line, and
// this body.
func request(t testing.TB, head, body string) *exchange.Exchange {
	t.Helper()
	text := "POST / HTTP/1.1\r\nHost: a\r\n" + head + "\r\n" + body
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	br := bufio.NewReaderSize(strings.NewReader(text), 4096)
	if err := x.HTTP.Request.Header.Read(br); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	if x.Request.HasBody() {
		x.Body = new(wire.Body)
		if x.Request.Chunked {
			x.Body.SetChunked(br)
		} else {
			x.Body.SetLength(br, x.Request.Length)
		}
	}
	return x
}

// posted is a request with a body of a type; the type may bring further lines.
func posted(t testing.TB, kind, body string) *exchange.Exchange {
	t.Helper()
	return request(t, fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body)), body)
}

// rest is what would be sent on.
func rest(t *testing.T, body *wire.Body) string {
	t.Helper()
	if body == nil {
		return ""
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestRequestIsReadOnceAndSentAsItCame(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	for _, tt := range []struct{ name, head, body, want string }{
		{"short", "Content-Length: 5\r\n", "hello", "hello"},
		{"long", "Content-Length: 100000\r\n", long, long},
		{"chunked", "Transfer-Encoding: chunked\r\n", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello"},
		{"empty chunks", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := message.New(1<<20, 1<<22)
			x := request(t, tt.head, tt.body)
			first, err := bodies.Request(x)
			if err != nil {
				t.Fatal(err)
			}
			second, err := bodies.Request(x)
			if err != nil || first != second || string(first.Raw()) != tt.want {
				t.Errorf("%q, %v", first.Raw(), err)
			}
			if x.Request.Chunked || x.Request.Length != int64(len(tt.want)) || !x.Body.Arrived() || x.Body.BytesRead() != int64(len(tt.want)) {
				t.Errorf("framed as %+v, %d bytes", x.Request, x.Body.BytesRead())
			}
			if got := rest(t, x.Body); got != tt.want || !x.Body.Done() {
				t.Errorf("sent on: %q", got)
			}
			x.Finish(exchange.End{})
			if held := bodies.Held(); held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		})
	}
}

func TestNoBody(t *testing.T) {
	bodies := message.New(100, 100)
	x := request(t, "", "")
	m, err := bodies.Request(x)
	if err != nil || len(m.Raw()) != 0 || x.Body != nil {
		t.Errorf("%q, %v", m.Raw(), err)
	}
	m.Replace([]byte("more"))
	if len(m.Raw()) != 0 || x.Body != nil {
		t.Error("a request without a body was given one")
	}
	a, err := bodies.Answer(x)
	if err != nil || len(a.Raw()) != 0 {
		t.Errorf("%q, %v", a.Raw(), err)
	}
}

func TestTrailersAreKept(t *testing.T) {
	x := request(t, "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
	if _, err := message.New(100, 1<<20).Request(x); err != nil {
		t.Fatal(err)
	}
	_, known := x.Body.Length()
	if known || !x.Request.Chunked || x.Body.Inline() {
		t.Errorf("framed as %+v", x.Request)
	}
	if got := rest(t, x.Body); got != "hello" || string(x.Body.Trailers(&x.Head)) != "X-Sum: 1\r\n" {
		t.Errorf("%q and %q", got, x.Body.Trailers(&x.Head))
	}
}

func TestTooLong(t *testing.T) {
	for _, tt := range []struct{ name, head, body string }{
		{"by its head", "Content-Length: 1025\r\n", strings.Repeat("a", 1025)},
		{"in chunks", "Transfer-Encoding: chunked\r\n", "401\r\n" + strings.Repeat("a", 1025) + "\r\n0\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := message.New(1024, 1<<20)
			x := request(t, tt.head, tt.body)
			if _, err := bodies.Request(x); !errors.Is(err, problem.ContentTooLarge) {
				t.Error(err)
			}
			x.Finish(exchange.End{})
			if held := bodies.Held(); held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		})
	}
	x := request(t, "Content-Length: 1024\r\n", strings.Repeat("a", 1024))
	if _, err := message.New(1024, 1<<20).Request(x); err != nil {
		t.Errorf("what just fits: %v", err)
	}
}

func TestAllTogetherAreBounded(t *testing.T) {
	bodies := message.New(100_000, 250_000)
	var held []*exchange.Exchange
	for range 2 {
		x := posted(t, "text/plain", strings.Repeat("a", 90_000))
		if _, err := bodies.Request(x); err != nil {
			t.Fatal(err)
		}
		held = append(held, x)
	}
	x := posted(t, "text/plain", strings.Repeat("a", 90_000))
	if _, err := bodies.Request(x); !errors.Is(err, problem.Overloaded) {
		t.Error(err)
	}
	for _, x := range append(held, x) {
		x.Finish(exchange.End{})
	}
	if _, err := bodies.Request(posted(t, "text/plain", strings.Repeat("a", 90_000))); err != nil {
		t.Errorf("after the others have ended: %v", err)
	}
}

func TestBroken(t *testing.T) {
	for _, tt := range []struct {
		name, head, body string
		want             error
	}{
		{"ends early", "Content-Length: 10\r\n", "hello", problem.CallerGone},
		{"bad chunk", "Transfer-Encoding: chunked\r\n", "x\r\n", problem.BadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := message.New(1024, 1<<20).Request(request(t, tt.head, tt.body)); !errors.Is(err, tt.want) {
				t.Error(err)
			}
		})
	}
}

func answered(x *exchange.Exchange, body string) {
	x.Answer.Status, x.Answer.Length, x.Answer.Body = 200, -1, new(wire.Body)
	x.Answer.Body.SetUntilClose(bufio.NewReader(strings.NewReader(body)))
}

func TestAnswer(t *testing.T) {
	bodies := message.New(1000, 1<<20)
	x := request(t, "", "")
	answered(x, "hello")
	m, err := bodies.Answer(x)
	if err != nil || string(m.Raw()) != "hello" || x.Answer.Length != 5 {
		t.Fatalf("%q, %d, %v", m.Raw(), x.Answer.Length, err)
	}
	x.Answer.Head.Add("ETag", `"1"`)
	m.Replace([]byte("good morning"))
	if got := rest(t, x.Answer.Body); got != "good morning" || x.Answer.Length != 12 || x.Answer.Head.Get("ETag") != nil {
		t.Errorf("%q, %d", got, x.Answer.Length)
	}
	x.Finish(exchange.End{})
	x = request(t, "", "")
	answered(x, strings.Repeat("a", 1001))
	if _, err := bodies.Answer(x); !errors.Is(err, problem.AnswerUnreadable) {
		t.Error(err)
	}
	x.Finish(exchange.End{})
	x = request(t, "", "")
	answered(x, "")
	x.Answer.Body.SetLength(bufio.NewReader(strings.NewReader("short")), 10)
	if _, err := bodies.Answer(x); !errors.Is(err, problem.UpstreamFailed) {
		t.Error(err)
	}
	x.Finish(exchange.End{})
	if held := bodies.Held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

func TestReplace(t *testing.T) {
	x := request(t, "Content-Type: text/plain; charset=ISO-8859-1\r\nContent-Encoding: gzip\r\nContent-MD5: x\r\nContent-Length: 5\r\n", "hello")
	bodies := message.New(1000, 1<<20)
	m, err := bodies.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	m.Replace([]byte(`{"a":"ü"}`))
	if got := string(x.Head.Append(nil)); got != "Host: a\r\nContent-Encoding: gzip\r\nContent-Type: text/plain; charset=utf-8\r\n" {
		t.Errorf("head %q", got)
	}
	if found, _, _ := first(t, "$.a")(m); found != "ü" {
		t.Errorf("found %q", found)
	}
	sent := rest(t, x.Body)
	if plain, err := fasthttp.AppendGunzipBytes(nil, []byte(sent)); err != nil || string(plain) != `{"a":"ü"}` || x.Request.Length != int64(len(sent)) {
		t.Errorf("%q, %v, length %d of %d", plain, err, x.Request.Length, len(sent))
	}
	x.Finish(exchange.End{})
	x = request(t, "Content-Encoding: exi\r\nContent-Length: 5\r\n", "hello")
	if m, err = bodies.Request(x); err != nil {
		t.Fatal(err)
	}
	if err := m.Replace([]byte("plain")); err != nil || rest(t, x.Body) != "plain" || x.Head.Get("Content-Encoding") != nil {
		t.Errorf("of a coding that is not known: %v, %q", err, x.Head.Append(nil))
	}
	x.Finish(exchange.End{})
	again, err := bodies.Request(posted(t, "text/plain", "second"))
	if err != nil || string(again.Raw()) != "second" || bodies.Held() < 6 {
		t.Errorf("%q, %v", again.Raw(), err)
	}
}

func coded(t testing.TB, coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	case "br":
		return string(fasthttp.AppendBrotliBytes(nil, []byte(text)))
	}
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCodings(t *testing.T) {
	text := strings.Repeat("looked into ", 50)
	bodies := message.New(1000, 1<<20)
	for _, tt := range []struct {
		name, coding, body string
		want               error
	}{
		{"none", "identity", text, nil},
		{"gzip", "gzip", coded(t, "gzip", text), nil},
		{"x-gzip in capitals", "X-GZIP", coded(t, "gzip", text), nil},
		{"deflate", "deflate", coded(t, "deflate", text), nil},
		{"brotli", "br", coded(t, "br", text), nil},
		{"zstd", "zstd", coded(t, "zstd", text), nil},
		{"two, and a second line", "gzip\r\nContent-Encoding: br", coded(t, "br", coded(t, "gzip", text)), nil},
		{"three", "zstd, gzip, br", coded(t, "br", coded(t, "gzip", coded(t, "zstd", text))), nil},
		{"four", "br, zstd, gzip, br", text, problem.UnsupportedMediaType},
		{"unknown", "compress", text, problem.UnsupportedMediaType},
		{"not gzip", "gzip", text, problem.BadRequest},
		{"not deflate", "deflate", text, problem.BadRequest},
		{"not brotli", "br", text, problem.BadRequest},
		{"not zstd", "zstd", text, problem.BadRequest},
		{"cut gzip", "gzip", coded(t, "gzip", text)[:20], problem.BadRequest},
		{"deflate, and more behind", "deflate", coded(t, "deflate", text) + "x", problem.BadRequest},
		{"cut zstd", "zstd", coded(t, "zstd", text)[:15], problem.BadRequest},
		{"a bomb of gzip", "gzip", coded(t, "gzip", strings.Repeat("a", 100_000)), problem.ContentTooLarge},
		{"a bomb of deflate", "deflate", coded(t, "deflate", strings.Repeat("a", 100_000)), problem.ContentTooLarge},
		{"a bomb of brotli", "br", coded(t, "br", strings.Repeat("a", 100_000)), problem.ContentTooLarge},
		{"a bomb of zstd", "zstd", coded(t, "zstd", strings.Repeat("a", 100_000)), problem.ContentTooLarge},
		{"a bomb in a bomb", "gzip, gzip", coded(t, "gzip", coded(t, "gzip", strings.Repeat("a", 100_000))), problem.ContentTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request(t, fmt.Sprintf("Content-Encoding: %s\r\nContent-Length: %d\r\n", tt.coding, len(tt.body)), tt.body)
			m, err := bodies.Request(x)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Text()
			if tt.want == nil && (err != nil || string(got) != text) || !errors.Is(err, tt.want) {
				t.Errorf("%q, %v", got, err)
			}
			if sent := rest(t, x.Body); sent != tt.body {
				t.Error("it is not sent as it came")
			}
			x.Finish(exchange.End{})
			if held := bodies.Held(); held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		})
	}
}

// Nothing is nothing in any coding.
func TestNothingInACoding(t *testing.T) {
	bodies := message.New(1000, 1<<20)
	x := request(t, "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")
	m, err := bodies.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := m.Text(); len(text) > 0 || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	x.Finish(exchange.End{})
}

func TestCharsets(t *testing.T) {
	for _, tt := range []struct {
		name, kind, body, text string
		want                   error
	}{
		{"none", "text/plain", "grün", "grün", nil},
		{"UTF-8", "text/plain; charset=UTF-8", "grün", "grün", nil},
		{"a mark", "text/plain", "\xef\xbb\xbfgrün", "grün", nil},
		{"a mark of UTF-32", "text/plain", "\xff\xfe\x00\x00a\x00\x00\x00", "", problem.UnsupportedMediaType},
		{"a mark of UTF-32, the other way", "text/plain", "\x00\x00\xfe\xff\x00\x00\x00a", "", problem.UnsupportedMediaType},
		{"XML that says something else", "text/xml; charset=utf-8", "<?xml version='1.0' encoding='utf-7'?><a/>", "", problem.UnsupportedMediaType},
		{"XML that says nearly the same", "text/xml; charset=utf-8", "<?xml version='1.0' encoding='windows-1252'?><a/>", "<?xml version='1.0' encoding='windows-1252'?><a/>", nil},
		{"Latin-1", `text/plain; charset="iso-8859-1"`, "gr\xfcn", "grün", nil},
		{"UTF-16 by a mark", "text/plain", "\xff\xfeg\x00\xfc\x00", "gü", nil},
		{"UTF-16 by another mark", "text/plain; charset=utf-16", "\xfe\xff\x00g\x00\xfc", "gü", nil},
		{"UTF-16 without", "text/plain; charset=utf-16", "\x00g\xd8\x3d\xde\x00", "g😀", nil},
		{"UTF-16LE", "text/plain; charset=utf-16le", "g\x00", "g", nil},
		{"half a character", "text/plain; charset=utf-16le", "g\x00\x00", "", problem.BadRequest},
		{"a lone surrogate", "text/plain; charset=utf-16be", "\xd8\x3d\x00g", "", problem.BadRequest},
		{"declared in XML", "text/xml", `<?xml version="1.0" encoding='ISO-8859-1'?><a>` + "\xfc</a>", `<?xml version="1.0" encoding='ISO-8859-1'?><a>ü</a>`, nil},
		{"declared in XML, and unknown", "text/xml", `<?xml version="1.0" encoding="koi8-r"?><a/>`, "", problem.UnsupportedMediaType},
		{"unknown", "text/plain; charset=shift_jis", "a", "", problem.UnsupportedMediaType},
		{"malformed", "text/plain; charset=utf-8; charset=utf-16", "a", "", problem.UnsupportedMediaType},
		{"binary", "application/octet-stream", "\xff\x00\x80", "\xff\x00\x80", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := message.New(1000, 1<<20).Request(posted(t, tt.kind, tt.body))
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Text()
			if string(got) != tt.text || !errors.Is(err, tt.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
