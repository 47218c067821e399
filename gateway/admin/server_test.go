package admin_test

import (
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/admin"
)

// play sends raw to a whole server and returns the raw answer.
func play(t *testing.T, s admin.Sources, raw string) string {
	t.Helper()
	ln := fasthttputil.NewInmemoryListener()
	server := admin.Server(s)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	defer func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	conn, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// The server may answer and close before it has read everything.
	_, _ = io.WriteString(conn, raw)
	answer, err := io.ReadAll(conn)
	if err != nil && len(answer) == 0 {
		t.Fatal(err)
	}
	return string(answer)
}

func TestServer(t *testing.T) {
	for _, tt := range []struct{ name, raw, status, body string }{
		{"get", "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200 OK", "ok"},
		{"head", "HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200 OK", ""},
		{"not found", "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "404 Not Found", `{"error":"there is nothing here"}` + "\n"},
		{"large body", "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 8192), "400 Bad Request", ""},
		{"large head", "GET /livez HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", "431 Request Header Fields Too Large", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := play(t, (&gateway{cfg: testConfig()}).sources(), tt.raw)
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 "+tt.status+"\r\n") {
				t.Errorf("answer %q, want status %s", answer, tt.status)
			}
			if (tt.body != "" || tt.name == "head") && body != tt.body {
				t.Errorf("body %q, want %q", body, tt.body)
			}
			if strings.Contains(head, "Server:") {
				t.Errorf("head names the server:\n%s", head)
			}
		})
	}
}

func TestPanicIsAnsweredAndLogged(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	s := (&gateway{cfg: testConfig()}).sources()
	s.Log = zap.New(core)
	s.Metrics = func(io.Writer) { panic("out of order") }
	answer := play(t, s, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 500 ") || strings.Contains(answer, "out of order") {
		t.Errorf("answer %q", answer)
	}
	if logs.FilterMessage("panic").Len() != 1 {
		t.Errorf("log: %v", logs.All())
	}
}

func TestWhatJSONCannotHoldIsAnError(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	s := (&gateway{cfg: testConfig()}).sources()
	s.Log = zap.New(core)
	s.Running = func() admin.Running { return admin.Running{AuthServers: func() {}} }
	resp := do(admin.Handler(s), fasthttp.MethodGet, "/rest/microgateway/status")
	if resp.StatusCode() != 500 || logs.Len() != 1 {
		t.Errorf("status %d, log %v", resp.StatusCode(), logs.All())
	}
}
