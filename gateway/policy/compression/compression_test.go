package compression_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	brotli "github.com/molecule-man/go-brrr"
	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/compression"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// section is one that compresses with these codings, and may be changed.
func section(codings []string, change func(*config.Compression)) *config.Compression {
	api := config.API{Policies: config.Policies{Compression: &config.Compression{Codings: codings, MinSize: 10}}}
	cfg := config.Config{APIs: []config.API{api}}
	cfg.SetDefaults()
	c := cfg.APIs[0].Policies.Compression
	if change != nil {
		change(c)
	}
	return c
}

func request(t testing.TB, method, accept string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	raw := method + " / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: " + accept + "\r\n\r\n"
	if err := x.HTTP.Request.Header.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	return x
}

// answers is an upstream: fields are separated by |; length -1 is in chunks, which
// the body holds then.
func answers(status int, fields string, length int64, body io.Reader, released *int) exchange.Handler {
	return func(x *exchange.Exchange) error {
		a := &x.Answer
		a.Status, a.Length = status, length
		for _, field := range strings.Split(fields, "|") {
			if name, value, ok := strings.Cut(field, ": "); ok {
				a.Head.Add(name, value)
			}
		}
		a.Release = func(bool) { *released++ }
		if x.HTTP.IsHead() || body == nil {
			return nil
		}
		a.Body = new(wire.Body)
		if length < 0 {
			a.Body.SetChunked(bufio.NewReader(body))
		} else {
			a.Body.SetLength(bufio.NewReader(body), length)
		}
		return nil
	}
}

// plain undoes a coding.
func plain(t testing.TB, coding string, coded []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(coded)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20))
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("%s: %v", coding, err)
	}
	return string(text)
}

// Bodies of all sizes come out as they went in, in every coding and at every level,
// again and again.
func TestRoundTrip(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 300_000)
	_, _ = random.Read(noise)
	for _, coding := range []string{"gzip", "br", "zstd"} {
		for _, level := range []string{"fastest", "default", "best"} {
			t.Run(coding+" "+level, func(t *testing.T) {
				m := metrics.New(metrics.Sources{})
				policy := compression.New(section([]string{coding}, func(c *config.Compression) { c.Level = level }), m)
				for _, want := range []string{strings.Repeat("a", 10), strings.Repeat("hello ", 20_000), string(noise)} {
					released := 0
					h := policy(answers(200, "Content-Type: text/plain", int64(len(want)), strings.NewReader(want), &released))
					x := request(t, "GET", coding)
					if err := h(x); err != nil {
						t.Fatal(err)
					}
					coded, err := io.ReadAll(x.Answer.Body)
					if err != nil {
						t.Fatal(err)
					}
					x.Answer.Release(true)
					if got := plain(t, coding, coded); got != want || released != 1 {
						t.Errorf("%d bytes became %d; released %d times", len(want), len(got), released)
					}
				}
				if n := m.Compressed(coding).Get(); n != 3 {
					t.Errorf("counted %d answers", n)
				}
			})
		}
	}
}

func TestWhatIsCompressed(t *testing.T) {
	const text = "Content-Type: text/plain"
	long := strings.Repeat("a", 100)
	for _, tt := range []struct {
		name, method, accept string
		status               int
		fields               string
		length               int64
		want                 string // fields
	}{
		{"text", "GET", "gzip", 200, text, 100, text + "|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"its head", "HEAD", "gzip", 200, text, 100, text + "|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"head of unknown length", "HEAD", "gzip", 200, text, -1, text + "|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"an error", "GET", "gzip", 500, text, 100, text + "|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"not accepted", "GET", "identity", 200, text, 100, text + "|Vary: Accept-Encoding"},
		{"varies already", "GET", "gzip", 200, text + "|Vary: A, accept-encoding", 100, text + "|Vary: A, accept-encoding|Content-Encoding: gzip"},
		{"varies by more", "GET", "gzip", 200, text + "|Vary: A", 100, text + "|Vary: A|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"a tag", "GET", "gzip", 200, text + `|ETag: "1"|Accept-Ranges: bytes|Content-Digest: x`, 100, text + `|ETag: W/"1"|Vary: Accept-Encoding|Content-Encoding: gzip`},
		{"a weak tag", "GET", "gzip", 200, text + `|ETag: W/"1"`, 100, text + `|ETag: W/"1"|Vary: Accept-Encoding|Content-Encoding: gzip`},
		{"a parameter", "GET", "gzip", 200, "Content-Type: Application/JSON ; charset=utf-8", 100, "Content-Type: Application/JSON ; charset=utf-8|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"a suffix", "GET", "gzip", 200, "Content-Type: application/problem+json", 100, "Content-Type: application/problem+json|Vary: Accept-Encoding|Content-Encoding: gzip"},
		{"too small", "GET", "gzip", 200, text, 9, text},
		{"no type", "GET", "gzip", 200, "", 100, ""},
		{"two types", "GET", "gzip", 200, text + "|" + text, 100, text + "|" + text},
		{"an image", "GET", "gzip", 200, "Content-Type: image/png", 100, "Content-Type: image/png"},
		{"events", "GET", "gzip", 200, "Content-Type: text/event-stream", 100, "Content-Type: text/event-stream"},
		{"coded already", "GET", "gzip", 200, text + "|Content-Encoding: br", 100, text + "|Content-Encoding: br"},
		{"no-transform", "GET", "gzip", 200, text + "|Cache-Control: public, No-Transform", 100, text + "|Cache-Control: public, No-Transform"},
		{"a part", "GET", "gzip", 206, text, 100, text},
		{"what claims to be one", "GET", "gzip", 200, text + "|Content-Range: bytes 0-99/200", 100, text + "|Content-Range: bytes 0-99/200"},
		{"not modified", "GET", "gzip", 304, text, 100, text},
		{"nothing", "GET", "gzip", 204, text, -1, text},
	} {
		t.Run(tt.name, func(t *testing.T) {
			released := 0
			var body io.Reader
			if tt.status != 304 && tt.status != 204 {
				body = strings.NewReader(long[:max(tt.length, 0)])
			}
			x := request(t, tt.method, tt.accept)
			if err := compression.New(section([]string{"gzip"}, nil), metrics.New(metrics.Sources{}))(answers(tt.status, tt.fields, tt.length, body, &released))(x); err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSuffix(strings.ReplaceAll(string(x.Answer.Head.Append(nil)), "\r\n", "|"), "|")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			length := tt.length
			if strings.Contains(tt.want, "Content-Encoding: gzip") {
				length = -1
			}
			if x.Answer.Length != length {
				t.Errorf("length %d, want %d", x.Answer.Length, length)
			}
			x.Answer.Release(false)
			if released != 1 {
				t.Errorf("released %d times", released)
			}
		})
	}
}

// What is here is sent before more is waited for.
func TestNothingIsHeldBack(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			r, w := io.Pipe()
			released := 0
			x := request(t, "GET", coding)
			err := compression.New(section([]string{coding}, nil), metrics.New(metrics.Sources{}))(answers(200, "Content-Type: text/plain", -1, r, &released))(x)
			if err != nil {
				t.Fatal(err)
			}
			var coded []byte
			for _, piece := range []string{"first", "second"} {
				go func() { _, _ = io.WriteString(w, "6\r\n"+(piece + " ")[:6]+"\r\n") }()
				for !strings.Contains(unfinished(coding, coded), piece[:5]) {
					p := make([]byte, 100)
					n, err := x.Answer.Body.Read(p)
					if err != nil {
						t.Fatal(err)
					}
					coded = append(coded, p[:n]...)
				}
			}
			go func() { _, _ = io.WriteString(w, "0\r\nX-Sum: 1\r\n\r\n") }()
			rest, err := io.ReadAll(x.Answer.Body)
			if got := plain(t, coding, append(coded, rest...)); err != nil || got != "first second" {
				t.Errorf("%q, %v", got, err)
			}
			if got := string(x.Answer.Body.Trailers(&x.Answer.Head)); got != "X-Sum: 1\r\n" {
				t.Errorf("trailers %q", got)
			}
			x.Answer.Release(true)
		})
	}
}

// unfinished is what can be read of a text whose end has not come.
func unfinished(coding string, coded []byte) string {
	var r io.Reader = bytes.NewReader(coded)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(r)
	return string(text)
}

// An answer that breaks stays broken, and its encoder serves others.
func TestBrokenAnswers(t *testing.T) {
	broken := errors.New("broken")
	policy := compression.New(section([]string{"gzip"}, nil), metrics.New(metrics.Sources{}))
	for range 3 {
		released := 0
		x := request(t, "GET", "gzip")
		body := io.MultiReader(strings.NewReader(strings.Repeat("a", 50)), iotest.ErrReader(broken))
		if err := policy(answers(200, "Content-Type: text/plain", 100, body, &released))(x); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(x.Answer.Body); !errors.Is(err, broken) || x.Answer.Body.Done() {
			t.Errorf("read: %v, done %t", err, x.Answer.Body.Done())
		}
		x.Answer.Release(false)
		x = request(t, "GET", "gzip")
		want := strings.Repeat("b", 100)
		if err := policy(answers(200, "Content-Type: text/plain", 100, strings.NewReader(want), &released))(x); err != nil {
			t.Fatal(err)
		}
		coded, err := io.ReadAll(x.Answer.Body)
		if got := plain(t, "gzip", coded); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
		x.Answer.Release(true)
	}
}

// More answers than may be compressed at once go as they are.
func TestMax(t *testing.T) {
	policy := compression.New(section([]string{"gzip"}, func(c *config.Compression) { c.Max = 1 }), metrics.New(metrics.Sources{}))
	released := 0
	ask := func() *exchange.Exchange {
		x := request(t, "GET", "gzip")
		if err := policy(answers(200, "Content-Type: text/plain", 100, strings.NewReader(strings.Repeat("b", 100)), &released))(x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	coding := func(x *exchange.Exchange) string { return string(x.Answer.Head.Get("Content-Encoding")) }
	first, second := ask(), ask()
	if coding(first) != "gzip" || coding(second) != "" {
		t.Errorf("%q, then %q", coding(first), coding(second))
	}
	first.Answer.Release(true)
	if third := ask(); coding(third) != "gzip" {
		t.Errorf("%q after the first has ended", coding(third))
	}
}
