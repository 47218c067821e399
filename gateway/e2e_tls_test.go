package gateway

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// twoListeners is the YAML of a gateway on both protocols; certificates and
// client_ca are files beside it.
func twoListeners(target, more string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0", https: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
tls:
  certificates: [{certificate: first.crt, key: first.key}, {certificate: second.crt, key: second.key}]%s
apis:
- {name: open, version: "1", base_path: /open, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}
- {name: secure, version: "1", base_path: /secure, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none, protocols: [https]}}
`, more, target, target)
}

// secure connects a caller that asks for name over TLS.
func (d *deployment) secure(cfg *tls.Config, name string) *peer {
	d.t.Helper()
	cfg = cfg.Clone()
	cfg.ServerName = name
	c, err := tls.Dial("tcp", d.https, cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	return newPeer(d.t, c)
}

// serial is the number of the certificate that a caller was shown.
func (p *peer) serial() string {
	return p.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// Both listeners serve the same APIs, but for what is offered over one only;
// the name that a caller asks for picks the certificate.
func TestBothListeners(t *testing.T) {
	ca, u := newAuthority(t), newTarget(t, always(ok))
	_, _, first := ca.issue("first", "a.example.com")
	_, _, second := ca.issue("second", "b.example.com", "*.wild.example.com")
	d := deploy(t, ca.dir, twoListeners(u.address, ""))
	trusting := &tls.Config{RootCAs: ca.pool()}
	for name, want := range map[string]tls.Certificate{
		"a.example.com": first, "b.example.com": second, "B.Example.com": second, "x.wild.example.com": second,
	} {
		p := d.secure(trusting, name)
		if got := p.serial(); got != want.Leaf.SerialNumber.String() {
			t.Errorf("%s: certificate %s, want %s", name, got, want.Leaf.SerialNumber)
		}
		wantStatus(t, p.do(lines("GET /secure/x HTTP/1.1", "Host: "+name)), 200)
		if got := field(u.next(), "X-Forwarded-Proto"); got != "https" {
			t.Errorf("X-Forwarded-Proto %q", got)
		}
		wantStatus(t, p.do(lines("GET /open/x HTTP/1.1", "Host: "+name)), 200)
		u.next()
	}
	unknown := d.secure(&tls.Config{InsecureSkipVerify: true}, "c.example.com")
	if got := unknown.serial(); got != first.Leaf.SerialNumber.String() {
		t.Errorf("an unknown name is shown %s, want the first", got)
	}
	if state := unknown.Conn.(*tls.Conn).ConnectionState(); state.Version != tls.VersionTLS13 {
		t.Errorf("TLS version %x", state.Version)
	}

	wantStatus(t, d.do(lines("GET /open/x HTTP/1.1", "Host: h")), 200)
	if got := field(u.next(), "X-Forwarded-Proto"); got != "http" {
		t.Errorf("X-Forwarded-Proto %q", got)
	}
	want := refusal("403 Forbidden", "protocol_not_allowed", "This API is not offered over this protocol")
	got := steady(d.do(lines("GET /secure/x HTTP/1.1", "Host: h", "X-Request-Id: r-1")))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// A new certificate file is what new connections are shown; those that are open
// go on.
func TestCertificatesAreSwappedLive(t *testing.T) {
	ca, u := newAuthority(t), newTarget(t, always(ok))
	_, _, old := ca.issue("first", "a.example.com")
	ca.issue("second", "b.example.com")
	d := deploy(t, ca.dir, twoListeners(u.address, ""))
	trusting := &tls.Config{RootCAs: ca.pool(), ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	request := lines("GET /open/x HTTP/1.1", "Host: a.example.com")
	open := d.secure(trusting, "a.example.com")
	wantStatus(t, open.do(request), 200)
	if got := open.serial(); got != old.Leaf.SerialNumber.String() {
		t.Errorf("certificate %s, want %s", got, old.Leaf.SerialNumber)
	}

	var fresh tls.Certificate
	d.applied(func() { _, _, fresh = ca.issue("first", "a.example.com") })
	eventually(t, "the new certificate", func() bool {
		p := d.secure(trusting, "a.example.com")
		defer p.Close()
		return p.serial() == fresh.Leaf.SerialNumber.String() && status(p.do(request)) == 200
	})
	wantStatus(t, open.do(request), 200)

	d.refused(func() { d.write("first.key", "not a key") })
	if _, body := d.get("/rest/microgateway/status", ""); !strings.Contains(body, "tls.certificates[0].certificate") {
		t.Errorf("status does not name the certificate: %s", body)
	}
	wantStatus(t, d.secure(trusting, "a.example.com").do(request), 200)
	wantStatus(t, open.do(request), 200)
}

// A CA that is taken away vouches for nobody any more, not even for callers who
// come back with a session from before.
func TestClientCAIsSwappedLive(t *testing.T) {
	ca, clients, others := newAuthority(t), newAuthority(t), newAuthority(t)
	u := newTarget(t, always(ok))
	ca.issue("first", "a.example.com")
	ca.issue("second", "b.example.com")
	_, _, mine := clients.issue("client", "caller")
	_, _, theirs := others.issue("client", "caller")
	ca.write("clients.pem", "CERTIFICATE", clients.cert.Raw)
	d := deploy(t, ca.dir, twoListeners(u.address, "\n  client_ca: clients.pem\n  client_auth: require"))
	request := lines("GET /open/x HTTP/1.1", "Host: a.example.com")
	as := func(pair tls.Certificate, sessions tls.ClientSessionCache) bool {
		p := d.secure(&tls.Config{
			RootCAs: ca.pool(), ClientSessionCache: sessions,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
		}, "a.example.com")
		defer p.Close()
		p.send(request)
		return status(p.answer("GET")) == 200
	}
	sessions := tls.NewLRUClientSessionCache(8)
	if !as(mine, sessions) || as(theirs, nil) {
		t.Error("before the change the wrong callers are let in")
	}
	d.applied(func() { ca.write("clients.pem", "CERTIFICATE", others.cert.Raw) })
	if as(mine, sessions) || as(mine, nil) || !as(theirs, nil) {
		t.Error("after the change the wrong callers are let in")
	}
}
