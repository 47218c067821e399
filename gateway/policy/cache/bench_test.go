package cache_test

import (
	"io"
	"strings"
	"testing"

	"postern/gateway/exchange"
)

// benches are requests that are answered from the store.
func benches(t testing.TB) map[string]func() {
	made := map[string]func(){}
	for name, tt := range map[string]struct {
		method, fields string
		size           int
	}{
		"small":       {"GET", "", 100},
		"large":       {"GET", "", 60000},
		"head":        {"HEAD", "", 100},
		"varied":      {"GET", "Accept: a/b|Accept-Language: de", 100},
		"conditional": {"GET", `If-None-Match: "1"`, 100},
		"credentials": {"GET", "Authorization: Bearer " + strings.Repeat("a", 800), 100},
	} {
		var asked []string
		_, h := build(t, section(nil), give(&asked, reply{200, fresh + "|Vary: Accept, Accept-Language|Cache-Control: public|Content-Type: text/plain", strings.Repeat("a", tt.size), 0}))
		x := request(t, "GET", "/a?b=c", tt.fields)
		sent(x, h(x))
		x = request(t, tt.method, "/a?b=c", tt.fields)
		var piece [4096]byte
		made[name] = func() {
			if err := h(x); err != nil {
				t.Fatal(err)
			}
			a := &x.Answer
			for a.Body != nil && !a.Body.Done() {
				if _, err := a.Body.Read(piece[:]); err != nil && err != io.EOF {
					t.Fatal(err)
				}
			}
			a.Release(true)
			a.Head.Reset()
			x.Answer = exchange.Answer{Head: a.Head}
			if len(asked) != 1 {
				t.Fatal("the upstream was asked")
			}
		}
	}
	return made
}

func BenchmarkHit(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
