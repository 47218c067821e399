package message_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/provisioning/config"
)

// A body that is rewritten has the codings and the charset it came in.
func TestRewriteKeepsCodingsAndCharset(t *testing.T) {
	gzipped := func(s string) string { return string(fasthttp.AppendGzipBytes(nil, []byte(s))) }
	const plain, hidden = `{"a":"1","é":2}`, `{"a":"***","é":2}`
	for _, tt := range []struct{ name, kind, body, want, coding string }{
		{"plain", "application/json", plain, hidden, ""},
		{"with a mark", "application/json", "\xef\xbb\xbf" + plain, "\xef\xbb\xbf" + hidden, ""},
		{"Latin-1", "application/json; charset=ISO-8859-1", "{\"a\":\"1\",\"\xe9\":2}", "{\"a\":\"***\",\"\xe9\":2}", ""},
		{"UTF-16, marked", "application/json", "\xff\xfe" + wide("{\"a\":\"😀\"}", false), "\xff\xfe" + wide(`{"a":"***"}`, false), ""},
		{"UTF-16, with a pair", "application/json; charset=utf-16", wide("{\"a\":1,\"b\":\"😀\"}", true), wide("{\"a\":\"***\",\"b\":\"😀\"}", true), ""},
		{"gzip", "application/json\r\nContent-Encoding: GZIP\r\nContent-MD5: x\r\nDigest: y", gzipped(plain), hidden, "gzip"},
		{"gzip twice", "application/json\r\nContent-Encoding: identity\r\nContent-Encoding: gzip, x-gzip", gzipped(gzipped(plain)), hidden, "gzip, x-gzip"},
		{"deflate", "application/json\r\nContent-Encoding: deflate", string(fasthttp.AppendDeflateBytes(nil, []byte(plain))), hidden, "deflate"},
		{"br", "application/json\r\nContent-Encoding: br", string(fasthttp.AppendBrotliBytes(nil, []byte(plain))), hidden, "br"},
		{"zstd", "application/json\r\nContent-Encoding: zstd", string(fasthttp.AppendZstdBytes(nil, []byte(plain))), hidden, "zstd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := message.New(1<<16, 1<<20)
			x := posted(t, tt.kind, tt.body)
			m, err := bodies.Request(x)
			if err != nil {
				t.Fatal(err)
			}
			text, _, err := m.Mask(masking(t, config.MaskRule{JSONPath: "$.a"}), message.AsJSON)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Rewrite(text); err != nil {
				t.Fatal(err)
			}
			kind, _, _ := strings.Cut(tt.kind, "\r\n")
			if got := string(x.Head.Get("Content-Encoding")); got != tt.coding || string(m.Type()) != kind || x.Head.Get("Digest") != nil || x.Head.Get("Content-MD5") != nil {
				t.Errorf("coding %q, type %q", got, m.Type())
			}
			sent := rest(t, x.Body)
			if int64(len(sent)) != x.Request.Length {
				t.Errorf("length %d of %d", x.Request.Length, len(sent))
			}
			if tt.coding == "" && sent != tt.want {
				t.Errorf("%q, want %q", sent, tt.want)
			}
			if got, err := m.Text(); err != nil || tt.coding != "" && string(got) != tt.want {
				t.Errorf("%q, %v", got, err)
			}
			x.Finish(exchange.End{})
			if held := bodies.Held(); held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		})
	}
}

// wide is s in UTF-16.
func wide(s string, bigEndian bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		high, low := byte(unit>>8), byte(unit)
		if !bigEndian {
			high, low = low, high
		}
		b.Write([]byte{high, low})
	}
	return b.String()
}
