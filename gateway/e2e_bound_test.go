package gateway

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"postern/introspect"
)

// sum64 is SHA-256 in base64url.
func sum64(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// thumbprint is that of RFC 7638, of an EC key.
func (s *signer) thumbprint() string {
	k := s.jwk("")
	return sum64(fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, k["x"], k["y"]))
}

// prove makes a DPoP proof (RFC 9449 4.2), changed by more.
func (s *signer) prove(t testing.TB, method, address, token string, more map[string]any) string {
	t.Helper()
	all := claims("", map[string]any{
		"iss": nil, "sub": nil, "aud": nil, "exp": nil,
		"jti": fmt.Sprintf("proof-%d", time.Now().UnixNano()), "iat": time.Now().Unix(), "htm": method, "htu": address, "ath": sum64(token),
	})
	for name, value := range more {
		all[name] = value
	}
	proof := jwt.NewWithClaims(s.method, all)
	key := s.jwk("")
	delete(key, "kid")
	delete(key, "use")
	proof.Header["typ"], proof.Header["jwk"] = "dpop+jwt", key
	text, err := proof.SignedString(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const proofAlgorithms = `algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA"`

// TestProofOfPossession: a token that is bound to a key is good only with a
// proof by that key, wherever the API stands on the matter.
func TestProofOfPossession(t *testing.T) {
	issuerKey, holder, thief := newSigner(t, "k1"), newSigner(t, ""), newSigner(t, "")
	i, u := openIssuer(t, issuerKey), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	token := issuerKey.sign(t, claims(i.URL, map[string]any{"cnf": map[string]any{"jkt": holder.thumbprint()}}))
	free := issuerKey.sign(t, claims(i.URL, nil))
	const address = "http://shop.example.com/gateway/orders/1.0/orders"
	proof := func(by *signer, more map[string]any) string { return by.prove(t, "GET", address, token, more) }
	used := proof(holder, nil)
	for _, tt := range []struct {
		name   string
		fields []string
		reason string // "": it passes
	}{
		{"good", []string{"Authorization: DPoP " + token, "DPoP: " + used}, ""},
		{"scheme in another case", []string{"Authorization: dpop " + token, "dpop: " + proof(holder, nil)}, ""},
		{"shown again", []string{"Authorization: DPoP " + token, "DPoP: " + used}, "shown before"},
		{"as a bearer token", []string{"Authorization: Bearer " + token}, "not sent with the scheme DPoP"},
		{"as a bearer token with a proof", []string{"Authorization: Bearer " + token, "DPoP: " + proof(holder, nil)}, "not sent with the scheme DPoP"},
		{"without a proof", []string{"Authorization: DPoP " + token}, "0 DPoP fields"},
		{"two proofs", []string{"Authorization: DPoP " + token, "DPoP: " + proof(holder, nil), "DPoP: " + proof(holder, nil)}, "2 DPoP fields"},
		{"proof of a thief", []string{"Authorization: DPoP " + token, "DPoP: " + proof(thief, nil)}, "another key"},
		{"of another token", []string{"Authorization: DPoP " + token, "DPoP: " + holder.prove(t, "GET", address, free, nil)}, "ath"},
		{"for another path", []string{"Authorization: DPoP " + token, "DPoP: " + holder.prove(t, "GET", address+"/1", token, nil)}, "htu"},
		{"for another method", []string{"Authorization: DPoP " + token, "DPoP: " + holder.prove(t, "POST", address, token, nil)}, "htm"},
		{"old", []string{"Authorization: DPoP " + token, "DPoP: " + proof(holder, map[string]any{"iat": time.Now().Add(-time.Hour).Unix()})}, "too far from now"},
		{"a free token with a proof", []string{"Authorization: DPoP " + free, "DPoP: " + holder.prove(t, "GET", address, free, nil)}, "bound to no key"},
		{"what a stranger says of the address", []string{
			"Authorization: DPoP " + token, "X-Forwarded-Proto: https",
			"DPoP: " + holder.prove(t, "GET", "https://shop.example.com/gateway/orders/1.0/orders", token, nil),
		}, "htu"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := "p-" + strings.ReplaceAll(tt.name, " ", "-")
			got := d.do(lines(append([]string{"GET /gateway/orders/1.0/orders?a=1 HTTP/1.1", "Host: shop.example.com", "X-Request-Id: " + id}, tt.fields...)...))
			if tt.reason == "" {
				wantStatus(t, got, 200)
				if request := u.next(); field(request, "DPoP") != "" || field(request, "Authorization") != "" || field(request, "X-User") != "alice" {
					t.Errorf("at the target: %s", request)
				}
				return
			}
			wantStatus(t, got, 401)
			if want := `DPoP realm="postern", ` + proofAlgorithms + `, error="invalid_dpop_proof"`; field(got, "Www-Authenticate") != want {
				t.Errorf("challenge %q, want %q", field(got, "Www-Authenticate"), want)
			}
			if reason, _ := d.accessLine(id)["reason"].(string); !strings.Contains(reason, tt.reason) {
				t.Errorf("reason %q does not say %q", reason, tt.reason)
			}
		})
	}
	if len(u.seen) > 0 {
		t.Errorf("the target was asked: %q", u.next())
	}
}

// TestProofsWithNonces: the gateway gives out the nonce that it wants.
func TestProofsWithNonces(t *testing.T) {
	issuerKey, holder := newSigner(t, "k1"), newSigner(t, "")
	i, u := openIssuer(t, issuerKey), newTarget(t, always(ok))
	text := "tokens: {proofs: {nonce: true}}\n" + strings.Replace(orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")),
		"applications: none,", "applications: none, sender_constrained: [dpop],", 1)
	d := deploy(t, t.TempDir(), text)
	token := issuerKey.sign(t, claims(i.URL, map[string]any{"cnf": map[string]any{"jkt": holder.thumbprint()}}))
	const address = "http://shop.example.com/gateway/orders/1.0/orders"
	send := func(nonce string) string {
		proof := holder.prove(t, "GET", address, token, map[string]any{"nonce": nonce})
		return d.do(lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: shop.example.com", "Authorization: DPoP "+token, "DPoP: "+proof))
	}
	first := send("")
	wantStatus(t, first, 401)
	nonce := field(first, "Dpop-Nonce")
	if want := `DPoP realm="postern", ` + proofAlgorithms + `, error="use_dpop_nonce"`; nonce == "" || field(first, "Www-Authenticate") != want {
		t.Errorf("nonce %q, challenge %q", nonce, field(first, "Www-Authenticate"))
	}
	wantStatus(t, send(nonce), 200)

	// Where proofs are asked for, a free token is not enough, and strangers learn
	// what is.
	got := d.do(lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h"))
	if want := `DPoP realm="postern", ` + proofAlgorithms; status(got) != 401 || field(got, "Www-Authenticate") != want {
		t.Errorf("without a token: %s", got)
	}
	wantStatus(t, d.do(lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h", "X-Request-Id: free", "Authorization: Bearer "+issuerKey.sign(t, claims(i.URL, nil)))), 401)
	if reason := d.accessLine("free")["reason"]; reason != "token is not bound to its holder as this API asks for" {
		t.Errorf("reason %q", reason)
	}
}

// TestCertificateBoundTokens: a token that is bound to a certificate is good
// only on a connection whose client has shown it, here or to a trusted proxy.
func TestCertificateBoundTokens(t *testing.T) {
	key, ca, u := newSigner(t, "k1"), newAuthority(t), newTarget(t, always(ok))
	i := openIssuer(t, key)
	ca.issue("server", "a.example.com")
	_, _, mine := ca.issue("mine", "caller")
	_, _, theirs := ca.issue("theirs", "caller")
	ca.write("clients.pem", "CERTIFICATE", ca.cert.Raw)
	text := strings.NewReplacer(
		`ports: {http: "127.0.0.1:0"}`, `ports: {http: "127.0.0.1:0", https: "127.0.0.1:0"}
tls: {certificates: [{certificate: server.crt, key: server.key}], client_ca: clients.pem}
trusted_proxies: [127.0.0.1]
client_certificate_header: Client-Cert`,
	).Replace(orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	d := deploy(t, ca.dir, text)
	token := key.sign(t, claims(i.URL, map[string]any{"cnf": map[string]any{"x5t#S256": introspect.Thumbprint(mine.Leaf.Raw)}}))
	request := lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: a.example.com", "Authorization: Bearer "+token)
	sessions := tls.NewLRUClientSessionCache(8)
	over := func(certificates ...tls.Certificate) int {
		p := d.secure(&tls.Config{RootCAs: ca.pool(), Certificates: certificates, ClientSessionCache: sessions}, "a.example.com")
		defer p.Close()
		return status(p.do(request))
	}
	// This peer is a trusted proxy, so what its connection shows is its own; only
	// the field counts.
	if got := over(mine); got != 401 {
		t.Errorf("a proxy's own certificate: status %d", got)
	}
	pemText := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Leaf.Raw}))
	otherText := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: theirs.Leaf.Raw}))
	rfc9440 := ":" + base64.StdEncoding.EncodeToString(mine.Leaf.Raw) + ":"
	for _, tt := range []struct {
		name   string
		fields []string
		want   int
	}{
		{"RFC 9440", []string{"Client-Cert: " + rfc9440}, 200},
		{"escaped PEM", []string{"Client-Cert: " + url.PathEscape(pemText)}, 200},
		{"base64 alone", []string{"Client-Cert: " + strings.Trim(rfc9440, ":")}, 200},
		{"escaped PEM with its chain", []string{"Client-Cert: " + url.PathEscape(pemText+otherText)}, 200},
		{"escaped PEM behind a caller's", []string{"Client-Cert: " + url.PathEscape(pemText) + "," + url.PathEscape(otherText)}, 401},
		{"escaped PEM behind a caller's, and white space", []string{"Client-Cert: " + url.PathEscape(pemText) + ", " + url.PathEscape(otherText)}, 401},
		{"escaped PEM behind something", []string{"Client-Cert: x," + url.PathEscape("\n"+pemText)}, 401},
		{"none", nil, 401},
		{"of another", []string{"Client-Cert: :" + base64.StdEncoding.EncodeToString(theirs.Leaf.Raw) + ":"}, 401},
		{"two", []string{"Client-Cert: " + rfc9440, "Client-Cert: " + rfc9440}, 401},
		{"nonsense", []string{"Client-Cert: :x:"}, 401},
		{"twin of the name", []string{"Client_Cert: " + rfc9440}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := d.do(lines(append([]string{"GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h", "Authorization: Bearer " + token}, tt.fields...)...))
			wantStatus(t, got, tt.want)
		})
	}

	d.applied(func() {
		d.write("postern.yaml", strings.Replace(text, "trusted_proxies: [127.0.0.1]", "trusted_proxies: [192.0.2.1]", 1))
	})
	for name, want := range map[string]int{"the certificate": 200, "on a resumed connection": 200} {
		if got := over(mine); got != want {
			t.Errorf("%s: status %d, want %d", name, got, want)
		}
	}
	sessions = nil
	if another, none := over(theirs), over(); another != 401 || none != 401 {
		t.Errorf("another certificate: status %d; none: status %d", another, none)
	}
	for len(u.seen) > 0 {
		u.next()
	}
	wantStatus(t, d.do(lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h", "Authorization: Bearer "+token, "Client-Cert: "+rfc9440)), 401)
	// Nor does a stranger's field reach the upstream in anybody's name.
	wantStatus(t, d.do(lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h", "client_cert: "+rfc9440, "Client-Cert: "+rfc9440,
		"Authorization: Bearer "+key.sign(t, claims(i.URL, nil)))), 200)
	if request := strings.ToLower(u.next()); strings.Contains(request, "client") {
		t.Errorf("at the target: %s", request)
	}
}

// TestDenylistIsLive: a token that is written down as revoked is refused at
// once, although it has been verified and kept.
func TestDenylistIsLive(t *testing.T) {
	key := newSigner(t, "k1")
	i, u, dir := openIssuer(t, key), newTarget(t, always(ok)), t.TempDir()
	put(t, dir+"/denied.json", `{"denied":[]}`)
	d := deploy(t, dir, "tokens: {denylist: {file: denied.json}}\n"+orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	stolen, other := key.sign(t, claims(i.URL, map[string]any{"jti": "j1"})), key.sign(t, claims(i.URL, map[string]any{"jti": "j2"}))
	wantStatus(t, d.do(ask(stolen)), 200)
	changed := time.Now()
	d.write("denied.json", `{"denied":[{"jti":"j1"}]}`)
	eventually(t, "the token to be refused", func() bool { return status(d.do(ask(stolen))) == 401 })
	t.Logf("refused %s after the change", time.Since(changed))
	wantStatus(t, d.do(ask(other)), 200)
	// A broken list changes nothing.
	d.refused(func() { d.write("denied.json", `{"denied":[{"jti":"j2"}`) })
	wantStatus(t, d.do(ask(stolen)), 401)
	wantStatus(t, d.do(ask(other)), 200)
	d.applied(func() { d.write("denied.json", `{"denied":[]}`) })
	wantStatus(t, d.do(ask(stolen)), 200)
}

// TestDenylistAway: without a list from its address nobody passes, until told
// otherwise.
func TestDenylistAway(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	lists := openIssuer(t)
	lists.serve(fails(500))
	text := orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))
	d := deploy(t, t.TempDir(), fmt.Sprintf("tokens: {denylist: {url: %q, poll: 1s}}\n", lists.URL+"/denied")+text)
	token := key.sign(t, claims(i.URL, map[string]any{"sid": "s1"}))
	got := d.do(ask(token))
	if status(got) != 503 || field(got, "Retry-After") == "" || !strings.Contains(got, `"code":"introspection_unavailable"`) {
		t.Errorf("without a list: %s", got)
	}
	lists.serve(says(`{"denied":[]}`))
	eventually(t, "the list", func() bool { return status(d.do(ask(token))) == 200 })
	lists.serve(says(`{"denied":[{"sid":"s1"}]}`))
	eventually(t, "the next list", func() bool { return status(d.do(ask(token))) == 401 })
}

// TestOpaqueTokens: the authorization server is asked, as the client that it
// knows, and only about what nobody here can judge.
func TestOpaqueTokens(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	var asked atomic.Int64
	server := openIssuer(t)
	server.serve(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		user, password, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || user != "edge" || password != "s3cret" || r.Method != "POST" {
			w.WriteHeader(401)
			return
		}
		answers := map[string]any{
			"good":    map[string]any{"active": true, "sub": "alice", "aud": "orders", "scope": "orders:read", "exp": time.Now().Add(time.Hour).Unix()},
			"foreign": map[string]any{"active": true, "sub": "alice", "aud": "payments"},
			"broken":  "x",
		}
		answer := answers[r.PostForm.Get("token")]
		if answer == nil {
			answer = map[string]any{"active": false}
		}
		_ = json.NewEncoder(w).Encode(answer) // the gateway sees what is missing
	})
	text := strings.NewReplacer(
		"  audience: {any: [orders]}\n", fmt.Sprintf("  audience: {any: [orders]}\n  remote_introspection: {endpoint: %q, client_id: edge, client_secret: s3cret, cache: {active: 1s, inactive: 1s}}\n", server.URL+"/introspect"),
		"by: [jwt]", "by: [jwt, opaque]",
	).Replace(orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	d := deploy(t, t.TempDir(), text)
	for _, tt := range []struct {
		name, token string
		status      int
		reason      string
		asked       int64
	}{
		{"good", "good", 200, "", 1},
		{"kept", "good", 200, "", 0},
		{"for another audience", "foreign", 401, "another audience", 1},
		{"inactive", "bad", 401, "not active", 1},
		{"inactive, kept", "bad", 401, "not active", 0},
		{"no sense", "broken", 503, "no answer", 1},
		{"jwt", key.sign(t, claims(i.URL, nil)), 200, "", 0},
		{"bad jwt of a known issuer", newSigner(t, "k1").sign(t, claims(i.URL, nil)), 401, "signature", 0},
		{"jwt of another issuer", key.sign(t, claims("https://other", nil)), 401, "not active", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, id := asked.Load(), "o-"+strings.ReplaceAll(strings.ReplaceAll(tt.name, " ", "-"), ",", "")
			got := d.do(strings.Replace(ask(tt.token), "\r\n\r\n", "\r\nX-Request-Id: "+id+"\r\n\r\n", 1))
			wantStatus(t, got, tt.status)
			if n := asked.Load() - before; n != tt.asked {
				t.Errorf("%d questions, want %d", n, tt.asked)
			}
			line := d.accessLine(id)
			if reason, _ := line["reason"].(string); !strings.Contains(reason, tt.reason) || tt.status == 200 && line["sub"] != "alice" {
				t.Errorf("access line %v", line)
			}
			if tt.status == 200 && field(u.next(), "X-User") != "alice" {
				t.Error("the target does not learn who calls")
			}
		})
	}
	_, shown := d.get("/rest/microgateway/status", "")
	var seen struct {
		Servers []introspect.ServerStatus `json:"auth_servers"`
	}
	if err := json.Unmarshal([]byte(shown), &seen); err != nil || len(seen.Servers) != 1 || seen.Servers[0].Remote == nil || seen.Servers[0].Remote.Asked != uint64(asked.Load()) {
		t.Errorf("status: %v %s", err, shown)
	}
	if strings.Contains(shown, "s3cret") {
		t.Error("the status tells the client's secret")
	}
}

// TestProtectedResource: OAuth clients find out what an API wants (RFC 9728).
func TestProtectedResource(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))+
		"  protected_resource: {resource: \"https://api.example.com/gateway/orders/1.0\", name: Orders, documentation: \"https://docs.example.com/\"}\n")
	const where = "/.well-known/oauth-protected-resource/gateway/orders/1.0"
	got := d.do(lines("GET "+where+" HTTP/1.1", "Host: API.example.com"))
	wantStatus(t, got, 200)
	want := map[string]any{
		"resource": "https://api.example.com/gateway/orders/1.0", "authorization_servers": []any{i.URL}, "scopes_supported": []any{"orders:write"},
		"bearer_methods_supported": []any{"header"}, "resource_name": "Orders", "resource_documentation": "https://docs.example.com/",
		"dpop_signing_alg_values_supported": []any{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"},
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(payload(got)), &document); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, document); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if kind := field(got, "Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	for request, want := range map[string]int{
		"HEAD " + where: 200, "POST " + where: 404, "GET " + where + "/orders": 404, "GET /.well-known/oauth-protected-resource": 404,
	} {
		p := dial(t, d.http)
		method, _, _ := strings.Cut(request, " ")
		if err := p.send(lines(request+" HTTP/1.1", "Host: api.example.com", "Content-Length: 0")); err != nil {
			t.Fatal(err)
		}
		if got := status(p.answer(method)); got != want {
			t.Errorf("%s: status %d, want %d", request, got, want)
		}
	}
	wantStatus(t, d.do(lines("GET "+where+" HTTP/1.1", "Host: other.example.com")), 404)
	const metadata = `resource_metadata="https://api.example.com` + where + `"`
	for token, want := range map[string]string{
		"":  `Bearer realm="postern", ` + metadata,
		"x": `Bearer realm="postern", ` + metadata + `, error="invalid_token"`,
	} {
		request := ask(token)
		if token == "" {
			request = lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h")
		}
		if got := field(d.do(request), "Www-Authenticate"); got != want {
			t.Errorf("challenge %q, want %q", got, want)
		}
	}
}
