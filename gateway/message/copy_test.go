package message_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
)

func TestCopyOfARequest(t *testing.T) {
	zipped := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(text))
		w.Close()
		return b.String()
	}
	bomb := zipped(strings.Repeat("a", 100_000))
	for _, tt := range []struct {
		name, coding, body string
		want, in           string
		cut                bool
	}{
		{"short", "", "abc", "abc", "", false},
		{"just as long as may be", "", strings.Repeat("a", 1000), strings.Repeat("a", 1000), "", false},
		{"longer", "", strings.Repeat("a", 50_000), strings.Repeat("a", 1000), "", true},
		{"coded", "gzip", zipped("abc"), "abc", "", false},
		{"coded, in capitals", " GZIP ", zipped("abc"), "abc", "", false},
		{"coded, and long without it", "gzip", bomb, strings.Repeat("a", 1000), "", true},
		{"twice", "gzip, gzip", "abc", "abc", "gzip, gzip", false},
		{"broken", "gzip", "abc", "abc", "gzip", false},
		{"unknown", "lzw", "abc", "abc", "lzw", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := "Content-Type: text/plain\r\n"
			if tt.coding != "" {
				head += "Content-Encoding:" + tt.coding + "\r\n"
			}
			x := request(t, head+fmt.Sprintf("Content-Length: %d\r\n", len(tt.body)), tt.body)
			bodies := message.New(1<<20, 1<<24)
			c := bodies.CopyRequest(x, 1000)
			if got := rest(t, x.Body); got != tt.body {
				t.Errorf("%d bytes pass, want %d", len(got), len(tt.body))
			}
			text, coding, cut := c.Text()
			if string(text) != tt.want || coding != tt.in || cut != tt.cut || string(c.Type()) != "text/plain" {
				t.Errorf("copied %.40q (%d), in %q, cut %t", text, len(text), coding, cut)
			}
			c.Release()
			if got := bodies.Held(); got != 0 {
				t.Errorf("%d bytes are held", got)
			}
		})
	}
}

// A copy is of what travels: before a policy has read the body, or after one has
// changed it.
func TestCopyOfWhatIsHeld(t *testing.T) {
	bodies := message.New(1<<20, 1<<24)
	x := posted(t, "text/plain", "before")
	first := bodies.CopyRequest(x, 1000)
	m, err := bodies.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	m.Replace([]byte("after"))
	second := bodies.CopyRequest(x, 1000)
	if got := rest(t, x.Body); got != "after" {
		t.Errorf("sent %q", got)
	}
	for c, want := range map[*message.Copy]string{first: "before", second: "after"} {
		if text, _, cut := c.Text(); string(text) != want || cut {
			t.Errorf("copied %q, want %q", text, want)
		}
		c.Release()
	}
	x.Finish(exchange.End{})
	if got := bodies.Held(); got != 0 {
		t.Errorf("%d bytes are held", got)
	}
}

// Without memory the body passes, and the copy says that it is not whole.
func TestCopyWithoutRoom(t *testing.T) {
	bodies := message.New(1<<20, 1)
	x := posted(t, "text/plain", "abc")
	c := bodies.CopyRequest(x, 1000)
	defer c.Release()
	if got := rest(t, x.Body); got != "abc" {
		t.Errorf("sent %q", got)
	}
	if text, _, cut := c.Text(); len(text) != 0 || !cut {
		t.Errorf("copied %q, cut %t", text, cut)
	}
	if bodies.CopyRequest(request(t, "", ""), 1000) != nil {
		t.Error("a copy of nothing")
	}
}
