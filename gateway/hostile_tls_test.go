package gateway

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// Handshakes that never end, and some that end at once, keep nobody from TLS;
// each is counted as what it was.
func TestHandshakeFlood(t *testing.T) {
	const each = 300
	ca := newAuthority(t)
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "header_timeout: 3s", top: ca.secureTop("")})
	for range each {
		half, err := net.Dial("tcp", g.address)
		if err != nil {
			t.Fatal(err)
		}
		defer half.Close()
		io.WriteString(half, "\x16\x03\x01\x02\x00\x01")
		nonsense := g.dial()
		nonsense.send("GET / HTTP/1.1\r\n\r\n")
	}
	for range 20 {
		wantStatus(t, g.dialTLS(&tls.Config{RootCAs: ca.pool()}).do(get), 200)
	}
	for _, series := range []string{`postern_timeouts_total{limit="handshake"}`, `postern_connections_refused_total{reason="handshake"}`} {
		eventually(t, series, func() bool { return g.count(series) == fmt.Sprint(each) })
	}
}

// A handshake costs a server more than its caller: one connection gets one.
func TestRenegotiationIsRefused(t *testing.T) {
	openssl := program(t, "openssl")
	ca := newAuthority(t)
	g := start(t, bundle{target: newTarget(t, always(ok)).address, top: ca.secureTop("")})
	cmd := exec.Command(openssl, "s_client", "-connect", g.address, "-tls1_2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	eventually(t, "the handshake", func() bool { return strings.Contains(out.String(), "Verify return code: ") })
	io.WriteString(in, "R\n")
	select {
	case <-ended:
	case <-time.After(patience):
		cmd.Process.Kill()
		t.Error("the connection goes on after a renegotiation")
	}
	in.Close()
	if !strings.Contains(out.String(), "RENEGOTIATING") || strings.Count(out.String(), "Verify return code: ") != 1 {
		t.Errorf("openssl says %q", out.String())
	}
	wantStatus(t, g.dialTLS(&tls.Config{RootCAs: ca.pool()}).do(get), 200)
}

// A panic in a handshake ends its connection, and nothing else.
func TestPanicInAHandshake(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	s := newServer(config.Default().Limits, newSampler(zap.New(core)), metrics.New(metrics.Sources{}))
	near, far := net.Pipe()
	defer far.Close()
	s.open.Add(1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.accepted(near, func() *tls.Config {
			return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("boom") }}
		})
	}()
	if tls.Client(far, &tls.Config{ServerName: "x"}).HandshakeContext(t.Context()) == nil {
		t.Error("a handshake with nobody")
	}
	<-ended
	if n := s.open.Load(); n != 0 || logs.Len() != 1 {
		t.Errorf("%d connections are open, and the log has %v", n, logs.All())
	}
}
