package compression_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/compression"
	"postern/gateway/wire"
)

// benches compress an answer of 16 KiB.
func benches(t testing.TB) map[string]func() {
	var text strings.Builder
	for i := 0; text.Len() < 16<<10; i++ {
		fmt.Fprintf(&text, `{"id":%d,"name":"order %d","price":%d.99},`, i, i*7, i%90)
	}
	made := map[string]func(){}
	for _, name := range []string{"gzip", "br", "zstd", "not accepted"} {
		coding, accept := name, name
		if name == "not accepted" {
			coding, accept = "gzip", "identity"
		}
		var body wire.Body
		reader, buffer := strings.NewReader(""), bufio.NewReader(nil)
		h := compression.New(section([]string{coding}, nil), metrics.New(metrics.Sources{}))(func(x *exchange.Exchange) error {
			reader.Reset(text.String())
			buffer.Reset(reader)
			body.SetLength(buffer, int64(text.Len()))
			x.Answer.Status, x.Answer.Length, x.Answer.Body = 200, int64(text.Len()), &body
			x.Answer.Head.Add("Content-Type", "application/json")
			return nil
		})
		x := request(t, "GET", accept)
		var piece [4096]byte
		made[name] = func() {
			if err := h(x); err != nil {
				t.Fatal(err)
			}
			a := &x.Answer
			for !a.Body.Done() {
				if _, err := a.Body.Read(piece[:]); err != nil && err != io.EOF {
					t.Fatal(err)
				}
			}
			if a.Release != nil {
				a.Release(true)
			}
			a.Head.Reset()
			x.Answer = exchange.Answer{Head: a.Head}
		}
	}
	return made
}

func BenchmarkCompression(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(16 << 10)
			for b.Loop() {
				serve()
			}
		})
	}
}
