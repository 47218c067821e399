//go:build !race

package mask_test

import (
	"testing"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

func TestWithoutBodiesNothingIsAllocated(t *testing.T) {
	h, _ := policy(t, config.Mask{Request: pin, Response: pin}, func(*exchange.Exchange) error { return nil })
	x := received(t, "GET", "", "")
	if n := testing.AllocsPerRun(1000, func() { _ = h(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// replayed plays a request with a body over and over.
func replayed(tb testing.TB, cfg config.Mask, head, body string) func() {
	h, _ := policy(tb, cfg, func(*exchange.Exchange) error { return nil })
	return func() {
		x := received(tb, "POST", head, body)
		if err := h(x); err != nil {
			tb.Fatal(err)
		}
		x.Finish(exchange.End{})
	}
}

const (
	order    = `{"id":7,"customer":{"name":"a","pin":"1234"},"items":[{"sku":"a","qty":1},{"sku":"b","qty":2,"pin":99}],"note":"card 4111"}`
	orderXML = `<order id="7"><customer><name>a</name><pin>1234</pin></customer><item sku="a"/><item sku="b"><pin>99</pin></item></order>`
)

// BenchmarkNothing is what the exchange itself takes.
func BenchmarkNothing(b *testing.B) {
	benchmark(b, config.Mask{Fault: pin}, "Content-Type: application/json\r\n", order)
}

func BenchmarkJSON(b *testing.B) {
	benchmark(b, config.Mask{Request: pin}, "Content-Type: application/json\r\n", order)
}

func BenchmarkXML(b *testing.B) {
	benchmark(b, config.Mask{Request: element}, "Content-Type: application/xml\r\n", orderXML)
}

func BenchmarkRegex(b *testing.B) {
	benchmark(b, config.Mask{Request: []config.MaskRule{{Regex: "card [0-9]{4}"}}}, "Content-Type: text/plain\r\n", order)
}

func benchmark(b *testing.B, cfg config.Mask, head, body string) {
	play := replayed(b, cfg, head, body)
	b.ReportAllocs()
	for b.Loop() {
		play()
	}
}
