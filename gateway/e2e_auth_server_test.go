package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"software.sslmate.com/src/go-pkcs12"
)

const sharedKey = "a shared key of thirty-two bytes, at least"

// sharedToken is signed with the key that both sides know.
func sharedToken(t *testing.T, more map[string]any) string {
	t.Helper()
	all := claims("urn:shared", map[string]any{"tenant": "t"})
	for name, value := range more {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(sharedKey))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A shared key is read from its file, and what the auth server asks of tokens
// beyond that acts.
func TestSharedKeyAndDemands(t *testing.T) {
	u, dir := newTarget(t, always(ok)), t.TempDir()
	put(t, dir+"/shared.key", sharedKey+"\n")
	d := deploy(t, dir, orders(u.address, "urn:shared", "shared_key: {file: shared.key}, max_lifetime: 2h, required_claims: [tenant], profile: [rfc8725]"))
	wantStatus(t, d.do(ask(sharedToken(t, nil))), 200)
	for _, tt := range []struct {
		name string
		more map[string]any
	}{
		{"too long a life", map[string]any{"exp": time.Now().Add(3 * time.Hour).Unix()}},
		{"no tenant", map[string]any{"tenant": nil}},
		{"no audience", map[string]any{"aud": nil}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantStatus(t, d.do(ask(sharedToken(t, tt.more))), 401) })
	}
	forged, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims("urn:shared", nil)).SignedString([]byte(strings.ToUpper(sharedKey)))
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, d.do(ask(forged)), 401)
	for _, page := range []string{"/rest/microgateway/status", "/rest/microgateway/settings"} {
		if _, body := d.get(page, ""); strings.Contains(body, sharedKey) || !strings.Contains(body, "shared_key") {
			t.Errorf("%s: %s", page, body)
		}
	}
	if strings.Contains(d.log.String(), sharedKey) {
		t.Error("the log holds the shared key")
	}
}

// A trust store that is replaced while the gateway runs brings another key.
func TestTruststoreIsWatched(t *testing.T) {
	u, dir, first, second := newTarget(t, always(ok)), t.TempDir(), newAuthority(t), newAuthority(t)
	store := func(ca *authority) string {
		data, err := pkcs12.Modern.EncodeTrustStoreEntries([]pkcs12.TrustStoreEntry{{Cert: ca.cert, FriendlyName: "issuer"}}, "changeit")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	put(t, dir+"/trust.p12", store(first))
	d := deploy(t, dir, orders(u.address, "urn:store", "truststore: {file: trust.p12, password: changeit, alias: issuer}"))
	signed := func(ca *authority) string {
		return (&signer{"", jwt.SigningMethodES256, ca.key}).sign(t, claims("urn:store", nil))
	}
	wantStatus(t, d.do(ask(signed(first))), 200)
	wantStatus(t, d.do(ask(signed(second))), 401)
	series := fmt.Sprintf(`postern_certificate_expiry_timestamp_seconds{use="auth_server",file=%q,subject="CN=postern test"}`, dir+"/trust.p12")
	if got, want := d.metric(series), fmt.Sprint(first.cert.NotAfter.Unix()); got != want {
		t.Errorf("certificate expires at %q, want %s", got, want)
	}
	d.applied(func() { d.write("trust.p12", store(second)) })
	wantStatus(t, d.do(ask(signed(first))), 401)
	wantStatus(t, d.do(ask(signed(second))), 200)
}
