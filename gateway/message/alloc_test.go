//go:build !race

package message_test

import (
	"bufio"
	"bytes"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
)

func TestReadingASmallBodyAllocatesNothing(t *testing.T) {
	body := bytes.Repeat([]byte("a"), 10_000)
	bodies, x := message.New(4<<20, 1<<28), posted(t, "text/plain", "a")
	r := bytes.NewReader(nil)
	br := bufio.NewReaderSize(r, 16<<10)
	if allocs := testing.AllocsPerRun(100, func() {
		again(x, br, r, body)
		if _, err := bodies.Request(x); err != nil {
			t.Fatal(err)
		}
		x.Finish(exchange.End{})
	}); allocs > 0 {
		t.Errorf("reading allocates %v times", allocs)
	}
}
