package admin_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"postern/gateway/admin"
)

// Whoever holds connections open, idle or in the middle of a request, must not
// make the probes fail: an orchestrator would end the process.
func TestHeldConnectionsKeepNobodyOut(t *testing.T) {
	for _, tt := range []struct{ name, sent string }{
		{"idle", ""},
		{"half a request", "GET /livez HT"},
		{"kept alive", "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := serve(t)
			for range 700 {
				held := dial(t, address)
				if _, err := io.WriteString(held, tt.sent); err != nil {
					t.Fatal(err)
				}
			}
			conn := dial(t, address)
			if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != 200 {
				t.Errorf("status %d, want 200", answer.StatusCode)
			}
		})
	}
}

// serve serves the window on loopback until the test ends.
func serve(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, done := admin.Server((&gateway{cfg: testConfig()}).sources()), make(chan error, 1)
	go func() { done <- server.Serve(admin.Listener(l)) }()
	t.Cleanup(func() {
		_ = l.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// dial connects; the connection lasts as long as the test and no longer than a
// minute.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}
