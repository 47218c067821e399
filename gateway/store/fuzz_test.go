package store

import (
	"io"
	"net"
	"testing"
	"time"
)

// Whatever answers instead of Redis: an error is the worst that comes of it.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"*4\r\n:1\r\n:2\r\n:3\r\n:0\r\n", "-NOSCRIPT No matching script.\r\n*4\r\n:1\r\n:2\r\n:3\r\n:0\r\n", "-NOAUTH no\r\n", "-ERR unknown command `HELLO`, with args beginning with: `3`\r\n+OK\r\n",
		"$-5\r\n", "*-7\r\n", "%-9\r\n", "$9999999999999\r\nx", "*9999999\r\n", "*?\r\n:1\r\n.\r\n", "$?\r\n;4\r\nabcd\r\n;0\r\n",
		"|1\r\n+a\r\n:1\r\n:2\r\n", ">2\r\n+invalidate\r\n*0\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "_\r\n_\r\n", "\r\n", "",
	} {
		f.Add([]byte(answer))
	}
	scripts := newScripts()
	f.Fuzz(func(t *testing.T, answer []byte) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			if _, err := far.Read(make([]byte, 1)); err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, far) }()
			_, _ = far.Write(answer)
		}()
		c := over(near)
		defer c.close()
		for range 2 {
			reply, err := c.run(time.Now().Add(time.Second), scripts.window, "k", 1, 1)
			if err == nil && len(reply) != replyLength {
				t.Errorf("reply %v", reply)
			}
		}
	})
}

// Lengths are judged the same however the bytes are cut.
func FuzzGuard(f *testing.F) {
	f.Add([]byte("*2\r\n$5\r\nhello\r\n:1\r\n"), 3)
	f.Add([]byte("$20000\r\n"), 2)
	f.Add([]byte("*17\r\n"), 1)
	f.Fuzz(func(t *testing.T, answer []byte, cut int) {
		whole, parts := new(guard), new(guard)
		want := whole.scan(answer)
		cut = min(max(cut, 0), len(answer))
		if got := parts.scan(answer[:cut]) && parts.scan(answer[cut:]); got != want {
			t.Errorf("%q: %v whole, %v cut at %d", answer, want, got, cut)
		}
		if want && whole.skip > maxAnswer+len("\r\n") {
			t.Errorf("%q: %d bytes may follow", answer, whole.skip)
		}
	})
}
