package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/upstream"
	"postern/provisioning/config"
)

func testLimits() config.Limits {
	return config.Limits{
		HeaderSize: 16 << 10, BufferedBody: 4 << 20, Connections: 1000,
		HeaderTimeout: config.Duration(time.Second), BodyTimeout: config.Duration(time.Second),
		BodyRate: 100, IdleTimeout: config.Duration(5 * time.Second),
	}
}

func startServer(t testing.TB, target string) string {
	u, err := upstream.New(config.Upstream{Targets: []config.Target{{URL: target}}, ConnectTimeout: config.Duration(time.Second), Timeout: config.Duration(2 * time.Second), IdleTimeout: config.Duration(2 * time.Second), MaxDuration: config.None}, testLimits())
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(testLimits(), zap.NewNop())
	s.handle = func(x *exchange.Exchange) {
		x.Path = append(x.Path[:0], x.HTTP.Request.Header.RequestURI()...)
		x.Rest = x.Path
		if err := u.Forward(x); err != nil {
			x.HTTP.Response.SetStatusCode(err.(*problem.Problem).Status)
			x.HTTP.Response.SetBodyString(err.Error())
		}
	}
	s.refuse = func(x *exchange.Exchange, p *problem.Problem) {
		x.HTTP.Response.SetStatusCode(p.Status)
		x.HTTP.Response.SetBodyString(p.Detail)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.serve(l, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.shutdown(ctx)
		u.Close()
	})
	return l.Addr().String()
}

func TestSmoke(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Forwarded-For"))
		w.Write(b)
		w.Write([]byte("!"))
	}))
	defer up.Close()
	addr := startServer(t, up.URL)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(c)
	for _, raw := range []string{
		"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /" + strings.Repeat("a", 100) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a HTTP/2.1\r\nHost: x\r\n\r\n",
	} {
		io.WriteString(c, raw)
		m, _, _ := strings.Cut(raw, " ")
		r, err := http.ReadResponse(br, &http.Request{Method: m})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		t.Log(r.Status, r.Header, string(b), err)
	}
}
