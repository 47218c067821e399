package gateway

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for one test.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key, a.cert = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a key and its certificate, by itself as long as it has none.
func (a *authority) sign(c *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.Subject = pkix.Name{CommonName: "postern test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	issuer, issuerKey := a.cert, a.key
	if issuer == nil {
		issuer, issuerKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		a.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, parsed
}

// pool is what trusts the authority.
func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// write puts PEM blocks into a file and returns its name.
func (a *authority) write(name, kind string, der []byte) string {
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

func (a *authority) file() string { return a.write("ca.pem", "CERTIFICATE", a.cert.Raw) }

// issue makes a certificate for names and addresses, as files and as a value.
func (a *authority) issue(name string, hosts ...string) (certificate, key string, pair tls.Certificate) {
	c := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	private, cert := a.sign(c)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	pair = tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: private, Leaf: cert}
	return a.write(name+".crt", "CERTIFICATE", cert.Raw), a.write(name+".key", "PRIVATE KEY", der), pair
}

// secureTop is a bundle's sections for an https listener.
func (a *authority) secureTop(more string) string {
	certificate, key, _ := a.issue("server", "127.0.0.1", "localhost")
	return fmt.Sprintf("ports: {https: \"127.0.0.1:0\"}\ntls: {certificates: [{certificate: %q, key: %q}]%s}", certificate, key, more)
}

// dialTLS connects a caller over TLS.
func (g *running) dialTLS(cfg *tls.Config) *peer {
	g.t.Helper()
	c, err := tls.Dial("tcp", g.address, cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	return newPeer(g.t, c)
}

func TestSecureCaller(t *testing.T) {
	ca := newAuthority(t)
	u := newTarget(t, always(ok))
	g := start(t, bundle{target: u.address, top: ca.secureTop("")})
	p := g.dialTLS(&tls.Config{RootCAs: ca.pool()})
	for range 3 {
		wantStatus(t, p.do("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), 200)
		if got := field(u.next(), "X-Forwarded-Proto"); got != "https" {
			t.Errorf("forwarded proto %q", got)
		}
	}
	pause(hold + 100*time.Millisecond)
	wantStatus(t, p.do(lines("GET / HTTP/1.1", "Host: x")), 200) // the connection rested
	wantStatus(t, p.do(lines("GET / HTTP/1.1", "Host: x", "Connection: close")), 200)
	if text, err := p.rest(); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// Abort detection looks at the socket under TLS: neither a close_notify nor a
// pipelined request may be taken for the other.
func TestSecureCallerLeaves(t *testing.T) {
	ca := newAuthority(t)
	u := newTarget(t, never)
	g := start(t, bundle{target: u.address, top: ca.secureTop("")})
	stays := g.dialTLS(&tls.Config{RootCAs: ca.pool()})
	stays.send(lines("GET / HTTP/1.1", "Host: x"))
	u.next()
	stays.send(lines("GET /pipelined HTTP/1.1", "Host: x"))
	leaves := g.dialTLS(&tls.Config{RootCAs: ca.pool()})
	leaves.send(lines("GET / HTTP/1.1", "Host: x"))
	u.next()
	begun := time.Now()
	leaves.Close()
	u.next()
	if took := time.Since(begun); took > time.Second {
		t.Errorf("upstream connection freed after %v", took)
	}
	stays.silent(time.Second)
	if n := u.open.Load(); n != 1 {
		t.Errorf("%d upstream connections, want that of the caller who stays", n)
	}
}

// An answer to an upload nobody reads arrives over TLS too.
func TestSecureCallerGetsAnEarlyAnswer(t *testing.T) {
	ca := newAuthority(t)
	g := start(t, bundle{target: newTarget(t, always(ok)).address, base: "/a", top: ca.secureTop("")})
	for range 10 {
		p := g.dialTLS(&tls.Config{RootCAs: ca.pool()})
		p.send("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + repeat('a', 1_000_000))
		wantStatus(t, p.answer("POST"), 404)
		p.Close()
	}
}

func TestClientCertificates(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	_, _, pair := ca.issue("client", "caller")
	_, _, stranger := other.issue("client", "caller")
	for _, c := range []struct {
		name, auth string
		pair       *tls.Certificate
		want       bool
	}{
		{"required and shown", "require", &pair, true},
		{"required and missing", "require", nil, false},
		{"required and of a stranger", "require", &stranger, false},
		{"requested and missing", "request", nil, true},
		{"requested and of a stranger", "request", &stranger, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, bundle{target: newTarget(t, always(ok)).address, top: ca.secureTop(fmt.Sprintf(", client_ca: %q, client_auth: %s", ca.file(), c.auth))})
			cfg := &tls.Config{RootCAs: ca.pool()}
			if c.pair != nil {
				// Without this the client would not show what was not asked for.
				cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.pair, nil }
			}
			conn, err := tls.Dial("tcp", g.address, cfg)
			if err != nil {
				t.Fatal(err) // TLS 1.3 clients learn of a refusal when they read
			}
			defer conn.Close()
			p := newPeer(t, conn)
			p.send(lines("GET / HTTP/1.1", "Host: x"))
			if got := status(p.answer("GET")) == 200; got != c.want {
				t.Errorf("served: %v, want %v", got, c.want)
			}
		})
	}
}

// Cleartext on the https port, an old version and a slow handshake end there.
func TestHandshakesThatFail(t *testing.T) {
	ca := newAuthority(t)
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "header_timeout: 300ms", top: ca.secureTop("")})
	plain := g.dial()
	plain.send(lines("GET / HTTP/1.1", "Host: x"))
	if text, _ := plain.rest(); strings.HasPrefix(text, "HTTP/1.1 200") {
		t.Errorf("served cleartext: %q", text)
	}
	if c, err := tls.Dial("tcp", g.address, &tls.Config{RootCAs: ca.pool(), MaxVersion: tls.VersionTLS11}); err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
	slow := g.dial()
	slow.send("\x16\x03\x01")
	if took := slow.ended(); took > 2*time.Second {
		t.Errorf("slow handshake ended after %v", took)
	}
	wantStatus(t, g.dialTLS(&tls.Config{RootCAs: ca.pool()}).do(lines("GET / HTTP/1.1", "Host: x")), 200)
}

func TestSecureUpstream(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	_, _, byAddress := ca.issue("address", "127.0.0.1")
	_, _, byName := ca.issue("name", "orders.internal")
	clientFile, clientKey, _ := ca.issue("edge", "edge")
	asks := func(pair tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool()}
	}
	for _, c := range []struct {
		name     string
		server   *tls.Config
		upstream string
		want     int
	}{
		{"verified", &tls.Config{Certificates: []tls.Certificate{byAddress}}, fmt.Sprintf("tls: {ca: %q}", ca.file()), 200},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{byAddress}, MaxVersion: tls.VersionTLS12}, fmt.Sprintf("tls: {ca: %q}", ca.file()), 200},
		{"below min_version", &tls.Config{Certificates: []tls.Certificate{byAddress}, MaxVersion: tls.VersionTLS12}, fmt.Sprintf("tls: {ca: %q, min_version: \"1.3\"}", ca.file()), 502},
		{"signed by a stranger", &tls.Config{Certificates: []tls.Certificate{byAddress}}, fmt.Sprintf("tls: {ca: %q}", other.file()), 502},
		{"not signed by the system's", &tls.Config{Certificates: []tls.Certificate{byAddress}}, "", 502},
		{"for another name", &tls.Config{Certificates: []tls.Certificate{byName}}, fmt.Sprintf("tls: {ca: %q}", ca.file()), 502},
		{"server_name", &tls.Config{Certificates: []tls.Certificate{byName}}, fmt.Sprintf("tls: {ca: %q, server_name: orders.internal}", ca.file()), 200},
		{"client certificate", asks(byAddress), fmt.Sprintf("tls: {ca: %q, certificate: %q, key: %q}", ca.file(), clientFile, clientKey), 200},
		{"client certificate missing", asks(byAddress), fmt.Sprintf("tls: {ca: %q}", ca.file()), 502},
		{"not TLS at all", nil, fmt.Sprintf("tls: {ca: %q}", ca.file()), 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTargetOn(t, "127.0.0.1:0", c.server, func(u *target, p *peer) {
				if c.server == nil {
					p.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
					return
				}
				always(ok)(u, p)
			})
			g := start(t, bundle{target: u.address, scheme: "https", upstream: c.upstream})
			p := g.dial()
			for range 2 {
				if c.want != 200 {
					p = g.dial() // an upload that failed may end its connection
				}
				wantStatus(t, p.do("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), c.want)
			}
			if n := u.accepted(); c.want == 200 && n != 1 {
				t.Errorf("%d connections, want 1 kept", n)
			}
		})
	}
}

// A target that speaks TLS and leaves bytes behind an answer poisons its
// connection although the socket below shows nothing.
func TestUnsolicitedBytesOverTLS(t *testing.T) {
	ca := newAuthority(t)
	_, _, pair := ca.issue("address", "127.0.0.1")
	u := newTargetOn(t, "127.0.0.1:0", nil, func(_ *target, p *peer) {
		// Two records in one segment: the second waits inside the TLS layer.
		joined := &joiner{Conn: p.Conn}
		c := tls.Server(joined, &tls.Config{Certificates: []tls.Certificate{pair}})
		s := newPeer(t, c)
		s.request()
		joined.hold = true
		s.send(ok)
		s.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		joined.release()
		s.rest()
	})
	p := start(t, bundle{target: u.address, scheme: "https", upstream: fmt.Sprintf("tls: {ca: %q}", ca.file())}).dial()
	for range 3 {
		if got := payload(p.do(lines("GET / HTTP/1.1", "Host: x"))); got != "ok" {
			t.Fatalf("body %q", got)
		}
	}
}

// joiner holds writes back and sends them as one.
type joiner struct {
	net.Conn
	hold bool
	held bytes.Buffer
}

func (j *joiner) Write(p []byte) (int, error) {
	if j.hold {
		return j.held.Write(p)
	}
	return j.Conn.Write(p)
}

func (j *joiner) release() {
	j.hold = false
	j.Conn.Write(j.held.Bytes())
}

func TestSecureUpstreamIsCut(t *testing.T) {
	ca := newAuthority(t)
	_, _, pair := ca.issue("address", "127.0.0.1")
	server := &tls.Config{Certificates: []tls.Certificate{pair}}
	for _, c := range []struct {
		name, sent string
		notify     bool
		want       string
	}{
		{"length with close_notify", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true, "abc"},
		{"length without", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false, "abc"},
		{"until close with close_notify is whole", "HTTP/1.1 200 OK\r\n\r\nabc", true, "3\r\nabc\r\n0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTargetOn(t, "127.0.0.1:0", server, func(_ *target, p *peer) {
				p.request()
				p.send(c.sent)
				if !c.notify {
					p.Conn.(*tls.Conn).NetConn().Close()
				}
			})
			p := start(t, bundle{target: u.address, scheme: "https", upstream: fmt.Sprintf("tls: {ca: %q}", ca.file())}).dial()
			p.send(lines("GET / HTTP/1.1", "Host: x", "Connection: close"))
			wantStatus(t, p.head(), 200)
			if got, _ := p.rest(); got != c.want {
				t.Errorf("body %q, want %q", got, c.want)
			}
		})
	}
}

// IPv6 on both sides.
func TestIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this machine has no IPv6 loopback")
	} else {
		l.Close()
	}
	u := newTargetOn(t, "[::1]:0", nil, always(ok))
	g := start(t, bundle{target: u.address, top: "ports: {http: \"[::1]:0\"}\ntrusted_proxies: [\"::1\"]"})
	wantStatus(t, g.do(lines("GET / HTTP/1.1", "Host: [::1]:80", "Forwarded: for=_a")), 200)
	request := u.next()
	for name, want := range map[string]string{
		"Host": u.address, "X-Forwarded-For": "::1", "X-Forwarded-Host": "[::1]:80", "Forwarded": `for=_a, for="[::1]";proto=http`,
	} {
		if got := field(request, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
