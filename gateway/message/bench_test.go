package message_test

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
)

// again gives x the same body anew, of a connection that is read from r.
func again(x *exchange.Exchange, br *bufio.Reader, r *bytes.Reader, body []byte) {
	r.Reset(body)
	br.Reset(r)
	x.Message = nil
	x.Body.SetLength(br, int64(len(body)))
	x.Request.Length = int64(len(body))
}

func BenchmarkRequest(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			body := bytes.Repeat([]byte("a"), size)
			bodies, x := message.New(4<<20, 1<<28), posted(b, "text/plain", "a")
			r := bytes.NewReader(nil)
			br := bufio.NewReaderSize(r, 16<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				again(x, br, r, body)
				if _, err := bodies.Request(x); err != nil {
					b.Fatal(err)
				}
				x.Finish(exchange.End{})
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	order := `{"order":{"partner":"acme","lines":[` + strings.TrimSuffix(strings.Repeat(`{"sku":"a-1","count":2},`, 40), ",") + `]}}`
	document := "<order><partner>acme</partner>" + strings.Repeat("<line><sku>a-1</sku><count>2</count></line>", 25) + "</order>"
	for _, tt := range []struct {
		name, body string
		compile    func() (*message.Expression, error)
	}{
		{"jsonpath", order, func() (*message.Expression, error) { return message.JSONPath("$.order.partner") }},
		{"xpath", document, func() (*message.Expression, error) { return message.XPath("/order/partner", nil) }},
		{"regex", order, func() (*message.Expression, error) { return message.Regex(`"partner":"(\w+)"`) }},
	} {
		b.Run(tt.name, func(b *testing.B) {
			e, err := tt.compile()
			if err != nil {
				b.Fatal(err)
			}
			bodies, x := message.New(4<<20, 1<<28), posted(b, "text/plain", "a")
			r := bytes.NewReader(nil)
			br := bufio.NewReaderSize(r, 16<<10)
			b.ReportAllocs()
			for b.Loop() {
				again(x, br, r, []byte(tt.body))
				m, err := bodies.Request(x)
				if err != nil {
					b.Fatal(err)
				}
				if value, found, err := e.First(m); err != nil || !found || value != "acme" {
					b.Fatal(value, found, err)
				}
				x.Finish(exchange.End{})
			}
		})
	}
}
