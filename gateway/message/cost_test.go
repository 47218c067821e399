package message_test

import (
	"runtime"
	"strings"
	"testing"

	"postern/gateway/message"
)

// TestMemoryIsCounted: what is made of a body is counted as what it takes, also
// where that is many times its text.
func TestMemoryIsCounted(t *testing.T) {
	for _, tt := range []struct{ name, before, item, after, find string }{
		{"empty objects", "[", "{},", "0]", "$[0]"},
		{"objects", "[", `{"a":0},`, "0]", "$[0]"},
		{"objects in each other", "[", `{"a":{"a":{}}},`, "0]", "$[0]"},
		{"lists", "[", "[0],", "0]", "$[0]"},
		{"numbers", "[", "0,", "0]", "$[0]"},
		{"elements", "<r>", "<a/>", "</r>", "/r"},
		{"texts and elements", "<r>", "x<a/>", "</r>", "/r"},
		{"attributes", "<r>", `<a b="" c=""/>`, "</r>", "/r"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const repeats = 60_000
			x := posted(t, "text/plain", tt.before+strings.Repeat(tt.item, repeats)+tt.after)
			bodies := message.New(4<<20, 1<<30)
			m, err := bodies.Request(x)
			if err != nil {
				t.Fatal(err)
			}
			compile := message.JSONPath
			if strings.HasPrefix(tt.before, "<") {
				compile = func(text string) (*message.Expression, error) { return message.XPath(text, nil) }
			}
			e, err := compile(tt.find)
			if err != nil {
				t.Fatal(err)
			}
			held, heap := bodies.Held(), live()
			if _, _, err := e.First(m); err != nil {
				t.Fatal(err)
			}
			counted, taken := bodies.Held()-held, live()-heap
			if taken > counted+counted/2 {
				t.Errorf("takes %d bytes, of which %d are counted", taken, counted)
			}
			runtime.KeepAlive(m)
		})
	}
}

// live is how much memory is in use.
func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
