package gateway

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/metrics"
)

// series are the lines of a scrape that begin with prefix, without values.
func (d *deployment) series(prefix string) (names []string) {
	d.t.Helper()
	_, text := d.get("/metrics", "")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			names = append(names, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return names
}

// Keys of an issuer are told by the name of its auth server, and forgotten with
// it.
func TestKeySetsAreMeasured(t *testing.T) {
	key, other := newSigner(t, "k1"), newSigner(t, "k2")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	text := orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))
	d := deploy(t, t.TempDir(), text)
	wantStatus(t, d.do(ask(key.sign(t, claims(i.URL, nil)))), 200)
	wantStatus(t, d.do(ask(other.sign(t, claims(i.URL, nil)))), 401)
	for name, want := range map[string]string{
		"usable": "1", "keys": "1", "skipped_keys": "0", "fetches_total": "2", "failures_total": "0", "unknown_kids_total": "1",
	} {
		series := "postern_key_set_" + name + `{auth_server="corp"}`
		eventually(t, series+" "+want, func() bool { return d.metric(series) == want })
	}
	for _, name := range []string{"age_seconds", "next_refresh_timestamp_seconds"} {
		if v, err := strconv.ParseFloat(d.metric("postern_key_set_"+name+`{auth_server="corp"}`), 64); err != nil || v <= 0 {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	d.applied(func() { d.write("postern.yaml", strings.ReplaceAll(text, "corp", "corporate")) })
	if left := d.series(`postern_key_set_usable`); !cmp.Equal(left, []string{`postern_key_set_usable{auth_server="corporate"}`}) {
		t.Errorf("after a reload: %q", left)
	}
}

// The connections to an upstream are counted on over a reload that changes it,
// and forgotten with the API.
func TestUpstreamConnectionsAreMeasured(t *testing.T) {
	u := newTarget(t, always(ok))
	api := func(name, address, more string) string {
		return fmt.Sprintf("- {name: %s, version: \"1\", base_path: /%s, upstream: {targets: [{url: \"http://%s\"}]%s}, policies: {identify: none}}\n", name, name, address, more)
	}
	const top = "ports: {http: \"127.0.0.1:0\"}\nadmin_api: {listen: \"127.0.0.1:0\"}\napis:\n"
	dead := closedPort(t)
	d := deploy(t, t.TempDir(), top+api("alive", u.address, "")+api("dead", dead, ""))
	call := func(api string, want int) {
		wantStatus(t, d.do(lines("GET /"+api+"/x HTTP/1.1", "Host: h")), want)
	}
	expect := func(name, api, want string) {
		t.Helper()
		series := name + `{api="` + api + `/1"}`
		eventually(t, series+" "+want, func() bool { return d.metric(series) == want })
	}
	call("alive", 200)
	call("dead", 502)
	expect("postern_upstream_connects_total", "alive", "1")
	expect("postern_upstream_connect_failures_total", "alive", "0")
	expect("postern_upstream_connections_open", "alive", "1")
	expect("postern_upstream_connections_idle", "alive", "1")
	expect("postern_upstream_connects_total", "dead", "0")
	expect("postern_upstream_connect_failures_total", "dead", "1")
	expect("postern_upstream_connections_open", "dead", "0")
	expect("postern_upstream_duration_seconds_count", "dead", "1")

	d.applied(func() { d.write("postern.yaml", top+api("alive", u.address, ", keep_idle: 3s")) })
	call("alive", 200)
	expect("postern_upstream_connects_total", "alive", "2")
	expect("postern_upstream_connections_open", "alive", "1")
	if left := d.series(`postern_upstream_connects_total{api="dead`); left != nil {
		t.Errorf("of an API that is gone: %q", left)
	}
}

// When certificates expire is told for each that connections depend on.
func TestCertificatesAreMeasured(t *testing.T) {
	ca := newAuthority(t)
	authority := ca.file()
	server, serverKey, pair := ca.issue("server", "127.0.0.1")
	client, clientKey, _ := ca.issue("edge", "edge")
	_, longer := ca.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true})
	cfg := load(t, fmt.Sprintf(`
ports: {https: "127.0.0.1:0"}
tls: {certificates: [{certificate: %q, key: %q}], client_ca: %q}
apis:
- {name: a, version: "1", base_path: /a, upstream: {targets: [{url: "https://h"}], tls: {ca: %[3]q, certificate: %q, key: %q}}, policies: {identify: none}}
- {name: b, version: "1", base_path: /b, upstream: {targets: [{url: "https://h"}], tls: {ca: %[3]q}}, policies: {identify: none}}
`, server, serverKey, authority, client, clientKey))
	const name = "CN=postern test"
	want := []metrics.Certificate{
		{Use: "listener", File: server, Subject: name, Expires: pair.Leaf.NotAfter},
		{Use: "client_ca", File: authority, Subject: name, Expires: ca.cert.NotAfter},
		{Use: "upstream", File: client, Subject: name, Expires: certificates(cfg)[2].Expires},
		{Use: "upstream_ca", File: authority, Subject: name, Expires: ca.cert.NotAfter},
	}
	if diff := cmp.Diff(want, certificates(cfg)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// An authority that is being replaced is there twice, and lasts as long as the
	// better one.
	longer.NotAfter = ca.cert.NotAfter.AddDate(1, 0, 0)
	list := certificateList{known: map[[3]string]int{}}
	list.one(metrics.Certificate{Use: "client_ca", File: "f", Expires: longer.NotAfter})
	list.one(metrics.Certificate{Use: "client_ca", File: "f", Expires: ca.cert.NotAfter})
	if len(list.all) != 1 || !list.all[0].Expires.Equal(longer.NotAfter) {
		t.Errorf("twice the same: %+v", list.all)
	}

	// Private keys and nonsense in a file are no certificates.
	text, err := os.ReadFile(serverKey)
	if err != nil {
		t.Fatal(err)
	}
	nonsense := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	cfg.TLS.ClientCA.Data = append(append([]byte("x\n"), text...), nonsense...)
	if got := certificates(cfg); len(got) != 3 {
		t.Errorf("certificates %+v, want three", got)
	}
}
