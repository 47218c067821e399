package store_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"postern/gateway/quota"
	"postern/gateway/store"
)

// liar answers as a Redis with a good memory, and what it is told to where it
// should count.
func liar(t *testing.T, answer string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	t.Cleanup(func() { l.Close(); ended.Wait() })
	now := time.Now().UnixMilli()
	memory := fmt.Sprintf("*4\r\n:%d\r\n:%d\r\n:0\r\n:0\r\n", now-100_000, now)
	ended.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ended.Go(func() {
				defer c.Close()
				question := make([]byte, 16<<10)
				for {
					n, err := c.Read(question)
					if err != nil {
						return
					}
					said := answer
					if bytes.Contains(question[:n], []byte(":since")) {
						said = memory
					}
					_, _ = c.Write([]byte(said))
				}
			})
		}
	})
	return l.Addr().String()
}

// Numbers that no script answers with are an error, not a decision.
func TestAnswersOutOfBounds(t *testing.T) {
	window := &quota.Rule{ID: "w", Requests: 5, Per: span(time.Minute)}
	smooth := &quota.Rule{ID: "s", Requests: 60, Per: span(time.Minute), Smooth: true, Burst: 5}
	for _, tt := range []struct {
		name   string
		rule   *quota.Rule
		answer string
		good   bool
	}{
		{"window", window, "*4\r\n:1\r\n:5\r\n:60000\r\n:0\r\n", true},
		{"window that is used up", window, "*4\r\n:0\r\n:9\r\n:60000\r\n:1\r\n", true},
		{"used more than there is", window, "*4\r\n:1\r\n:6\r\n:1\r\n:0\r\n", false},
		{"used less than nothing", window, "*4\r\n:1\r\n:-5\r\n:1\r\n:0\r\n", false},
		{"ended", window, "*4\r\n:0\r\n:5\r\n:-1\r\n:0\r\n", false},
		{"longer than it is", window, "*4\r\n:0\r\n:5\r\n:9223372036854775807\r\n:0\r\n", false},
		{"smooth", smooth, "*4\r\n:1\r\n:5000000\r\n:0\r\n:1\r\n", true},
		{"smooth that is used up", smooth, "*4\r\n:0\r\n:5000001\r\n:1000001\r\n:1\r\n", true},
		{"more than the burst", smooth, "*4\r\n:1\r\n:1\r\n:6\r\n:1\r\n", false},
		{"ahead of the burst", smooth, "*4\r\n:1\r\n:9223372036854775807\r\n:1\r\n:1\r\n", false},
		{"later than the next", smooth, "*4\r\n:0\r\n:1\r\n:9000000\r\n:1\r\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, section(liar(t, tt.answer)))
			s.until(store.Up)
			if d, err := s.Take(context.Background(), tt.rule, []byte("k"), time.Now()); (err == nil) != tt.good {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}
