package introspect_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// prover makes DPoP proofs.
type prover struct {
	signer
	header, payload func(text string) string // changes to what is signed; nil: none
}

func sum64(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// key is the JWK of the prover without its kid.
func (p prover) key() string {
	return strings.Replace(p.jwk(""), fmt.Sprintf(`"kid":%q,`, p.id), "", 1)
}

// thumbprint by the letter of RFC 7638, for the two kinds of key in use here.
func (p prover) thumbprint() string {
	key := p.key()
	member := func(name string) string {
		_, rest, _ := strings.Cut(key, `"`+name+`":"`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	switch member("kty") {
	case "EC":
		return sum64(fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, member("crv"), member("x"), member("y")))
	case "RSA":
		return sum64(fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, member("e"), member("n")))
	}
	return sum64(fmt.Sprintf(`{"crv":%q,"kty":"OKP","x":%q}`, member("crv"), member("x")))
}

// proof is one for GET https://api.example.com/orders with the token "token".
func (p prover) proof(now time.Time, id string) string {
	header := fmt.Sprintf(`{"typ":"dpop+jwt","alg":%q,"jwk":%s}`, p.alg, p.key())
	payload := fmt.Sprintf(`{"jti":%q,"htm":"GET","htu":"https://api.example.com/orders","iat":%d,"ath":%q}`, id, now.Unix(), sum64("token"))
	if p.header != nil {
		header = p.header(header)
	}
	if p.payload != nil {
		payload = p.payload(payload)
	}
	return p.sign(header, payload)
}

// have is a proof with what it must be about.
func (p prover) have(proof string) introspect.Possession {
	return introspect.Possession{Proof: proof, Token: "token", Method: "GET", URI: "https://api.example.com/orders", Key: p.thumbprint()}
}

// proofs makes what judges them.
func proofs(t testing.TB, change func(*config.Tokens)) *introspect.Proofs {
	t.Helper()
	tokens := defaults
	if change != nil {
		change(&tokens)
	}
	set, err := introspect.New(introspect.Rules{Tokens: tokens}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set.Proofs()
}

func replaced(old, by string) func(string) string {
	return func(text string) string {
		if !strings.Contains(text, old) {
			panic(old + " is not in " + text)
		}
		return strings.Replace(text, old, by, 1)
	}
}

// TestProofs: each line of RFC 9449 4.3.
func TestProofs(t *testing.T) {
	now := time.Now()
	ec := prover{signer: ecSigner()}
	iat := fmt.Sprintf(`"iat":%d`, now.Unix())
	at := func(d time.Duration) string { return fmt.Sprintf(`"iat":%d`, now.Add(d).Unix()) }
	for _, tt := range []struct {
		name string
		prover
		change func(*introspect.Possession)
		err    error
	}{
		{name: "ES256", prover: ec},
		{name: "RS256", prover: prover{signer: rsaSigner(0)}},
		{name: "PS256", prover: prover{signer: rsaSigner(0).as("PS256")}},
		{name: "EdDSA", prover: prover{signer: edSigner()}},
		{name: "typ in full", prover: prover{signer: ecSigner(), header: replaced("dpop+jwt", "application/dpop+jwt")}},
		{name: "address written otherwise", prover: prover{signer: ecSigner(), payload: replaced("https://api.example.com/orders", "HTTPS://API.example.com:443/%6frders?x=1#y")}},
		{name: "a little old", prover: prover{signer: ecSigner(), payload: replaced(iat, at(-80*time.Second))}},
		{name: "a little early", prover: prover{signer: ecSigner(), payload: replaced(iat, at(20*time.Second))}},

		{name: "empty", prover: ec, change: func(p *introspect.Possession) { p.Proof = "" }, err: introspect.ErrProof},
		{name: "two in one field", prover: ec, change: func(p *introspect.Possession) { p.Proof += ", " + p.Proof }, err: introspect.ErrProof},
		{name: "no typ", prover: prover{signer: ecSigner(), header: replaced(`"typ":"dpop+jwt",`, "")}, err: introspect.ErrProof},
		{name: "typ of a token", prover: prover{signer: ecSigner(), header: replaced("dpop+jwt", "at+jwt")}, err: introspect.ErrProof},
		{name: "no jwk", prover: prover{signer: ecSigner(), header: replaced(`"jwk"`, `"jwkx"`)}, err: introspect.ErrProof},
		{name: "jwk is a text", prover: prover{signer: ecSigner(), header: func(string) string { return `{"typ":"dpop+jwt","alg":"ES256","jwk":"x"}` }}, err: introspect.ErrProof},
		{name: "private jwk", prover: prover{signer: ecSigner(), header: replaced(`"kty"`, `"d":"AA","kty"`)}, err: introspect.ErrProof},
		{name: "shared jwk", prover: prover{signer: ecSigner(), header: func(string) string { return `{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}` }}, err: introspect.ErrProof},
		{name: "none", prover: prover{signer: ecSigner(), header: replaced(`"ES256"`, `"none"`)}, err: introspect.ErrProof},
		{name: "another algorithm", prover: prover{signer: ecSigner(), header: replaced(`"ES256"`, `"RS256"`)}, err: introspect.ErrProof},
		{name: "critical extension", prover: prover{signer: ecSigner(), header: replaced(`"alg"`, `"crit":["x"],"x":1,"alg"`)}, err: introspect.ErrProof},
		{name: "by another key", prover: ec, change: func(p *introspect.Possession) { p.Proof = (prover{signer: edSigner()}).proof(now, "another-key") }, err: introspect.ErrProof},
		{name: "another's jwk", prover: ec, change: func(p *introspect.Possession) {
			p.Proof = prover{signer: edSigner(), header: func(string) string {
				return fmt.Sprintf(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":%s}`, ec.key())
			}}.proof(now, "anothers-jwk")
		}, err: introspect.ErrProof},
		{name: "signature", prover: ec, change: func(p *introspect.Possession) { p.Proof = p.Proof[:len(p.Proof)-8] + "AAAAAAAA" }, err: introspect.ErrProof},
		{name: "token bound to another key", prover: ec, change: func(p *introspect.Possession) { p.Key = sum64("other") }, err: introspect.ErrProof},
		{name: "another token", prover: ec, change: func(p *introspect.Possession) { p.Token = "token2" }, err: introspect.ErrProof},
		{name: "no ath", prover: prover{signer: ecSigner(), payload: replaced(`,"ath"`, `,"athx"`)}, err: introspect.ErrProof},
		{name: "another method", prover: ec, change: func(p *introspect.Possession) { p.Method = "POST" }, err: introspect.ErrProof},
		{name: "method in lower case", prover: prover{signer: ecSigner(), payload: replaced("GET", "get")}, err: introspect.ErrProof},
		{name: "another path", prover: ec, change: func(p *introspect.Possession) { p.URI += "/7" }, err: introspect.ErrProof},
		{name: "another host", prover: prover{signer: ecSigner(), payload: replaced("api.example", "api2.example")}, err: introspect.ErrProof},
		{name: "another scheme", prover: prover{signer: ecSigner(), payload: replaced("https://api", "http://api")}, err: introspect.ErrProof},
		{name: "another port", prover: prover{signer: ecSigner(), payload: replaced("com/orders", "com:8443/orders")}, err: introspect.ErrProof},
		{name: "relative address", prover: prover{signer: ecSigner(), payload: replaced("https://api.example.com/orders", "/orders")}, err: introspect.ErrProof},
		{name: "htu is a list", prover: prover{signer: ecSigner(), payload: replaced(`"https://api.example.com/orders"`, `["https://api.example.com/orders"]`)}, err: introspect.ErrProof},
		{name: "too old", prover: prover{signer: ecSigner(), payload: replaced(iat, at(-100*time.Second))}, err: introspect.ErrProof},
		{name: "too early", prover: prover{signer: ecSigner(), payload: replaced(iat, at(40*time.Second))}, err: introspect.ErrProof},
		{name: "no iat", prover: prover{signer: ecSigner(), payload: replaced(`"iat"`, `"iax"`)}, err: introspect.ErrProof},
		{name: "iat is text", prover: prover{signer: ecSigner(), payload: replaced(iat, `"iat":"1"`)}, err: introspect.ErrProof},
		{name: "no jti", prover: prover{signer: ecSigner(), payload: replaced(`"jti"`, `"jtx"`)}, err: introspect.ErrProof},
		{name: "short jti", prover: prover{signer: ecSigner(), payload: replaced("short jti at length", "x")}, err: introspect.ErrProof},
		{name: "long jti", prover: prover{signer: ecSigner(), payload: replaced("long jti", strings.Repeat("x", 257))}, err: introspect.ErrProof},
		{name: "claim twice", prover: prover{signer: ecSigner(), payload: replaced(`"htm"`, `"htm":"POST","htm"`)}, err: introspect.ErrProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have := tt.have(tt.proof(now, tt.name+" at length"))
			if tt.change != nil {
				tt.change(&have)
			}
			judge := proofs(t, nil)
			if err := judge.Check(t.Context(), have, now); !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			if err := judge.Check(t.Context(), have, now); !errors.Is(err, introspect.ErrReplay) {
				t.Errorf("shown again: %v", err)
			}
		})
	}
}

// TestReplays: a proof is remembered as long as it could be shown, and a full
// memory refuses instead of forgetting.
func TestReplays(t *testing.T) {
	ec := prover{signer: ecSigner()}
	begun := time.Unix(1_800_000_000, 0)
	judge := proofs(t, nil)
	have := ec.have(ec.proof(begun.Add(20*time.Second), "from the future"))
	if err := judge.Check(t.Context(), have, begun); err != nil {
		t.Fatal(err)
	}
	for after := time.Duration(0); after <= 110*time.Second; after += 5 * time.Second {
		other := ec.have(ec.proof(begun.Add(after), "another one "+after.String()))
		if err := judge.Check(t.Context(), other, begun.Add(after)); err != nil {
			t.Errorf("another after %s: %v", after, err)
		}
		if err := judge.Check(t.Context(), have, begun.Add(after)); !errors.Is(err, introspect.ErrReplay) {
			t.Errorf("the same after %s: %v", after, err)
		}
	}
	if err := judge.Check(t.Context(), have, begun.Add(111*time.Second)); !errors.Is(err, introspect.ErrProof) {
		t.Errorf("too old: %v", err)
	}

	small := proofs(t, func(c *config.Tokens) { c.Proofs.Entries = 16 })
	full := 0
	for n := range 64 {
		err := small.Check(t.Context(), ec.have(ec.proof(begun, fmt.Sprintf("number-%d", n))), begun)
		if errors.Is(err, introspect.ErrBusy) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if full < 64-16 {
		t.Errorf("%d of 64 were refused by a memory of 16", full)
	}
	for n := range 64 {
		err := small.Check(t.Context(), ec.have(ec.proof(begun, fmt.Sprintf("number-%d", n))), begun)
		if !errors.Is(err, introspect.ErrBusy) && !errors.Is(err, introspect.ErrReplay) {
			t.Errorf("shown again to a full memory: %v", err)
		}
	}
	later := begun.Add(time.Hour)
	if err := small.Check(t.Context(), ec.have(ec.proof(later, "much later")), later); err != nil {
		t.Errorf("after everything is forgotten: %v", err)
	}
}

// TestReplaysShared: one holder, with how many keys so ever, leaves room for the
// proofs of others.
func TestReplaysShared(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	judge := proofs(t, func(c *config.Tokens) { c.Proofs.Entries = 1024 })
	flood := func(who prover, n int) (taken int) {
		for i := range n {
			have := who.have(who.proof(now, fmt.Sprintf("number-%d", i)))
			have.Holder = "mallory"
			switch err := judge.Check(t.Context(), have, now); {
			case err == nil:
				taken++
			case !errors.Is(err, introspect.ErrBusy):
				t.Fatal(err)
			}
		}
		return taken
	}
	taken := flood(prover{signer: ecSigner()}, 600) + flood(prover{signer: edSigner()}, 600)
	if taken != 256 {
		t.Errorf("one holder has %d of 1024", taken)
	}
	alice := prover{signer: ecSigner()}
	for i := range 32 {
		have := alice.have(alice.proof(now, fmt.Sprintf("number-%d of alice", i)))
		have.Holder = fmt.Sprintf("alice-%d", i)
		if err := judge.Check(t.Context(), have, now); err != nil {
			t.Errorf("another holder: %v", err)
		}
	}
}

func TestNonces(t *testing.T) {
	ec := prover{signer: ecSigner()}
	now := time.Unix(1_800_000_000, 0)
	judge := proofs(t, func(c *config.Tokens) { c.Proofs.Nonce = true })
	with := func(nonce string) prover {
		return prover{signer: ecSigner(), payload: replaced(`"htm"`, fmt.Sprintf(`"nonce":%q,"htm"`, nonce))}
	}
	nonce := judge.Nonce(now)
	if nonce == "" || nonce == proofs(t, func(c *config.Tokens) { c.Proofs.Nonce = true }).Nonce(now) {
		t.Errorf("nonce %q can be guessed", nonce)
	}
	for _, tt := range []struct {
		name string
		prover
		after time.Duration
		err   error
	}{
		{"none", ec, 0, introspect.ErrNonce},
		{"invented", with("x"), 0, introspect.ErrNonce},
		{"good", with(nonce), 0, nil},
		{"of the period before", with(nonce), time.Minute, nil},
		{"old", with(nonce), 2 * time.Minute, introspect.ErrNonce},
	} {
		at := now.Add(tt.after)
		if err := judge.Check(t.Context(), ec.have(tt.proof(at, "nonce "+tt.name)), at); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
	}
	if proofs(t, nil).Nonce(now) != "" {
		t.Error("a nonce that nobody asks for")
	}
}

// TestBinding: what cnf says is known to whoever judges the request.
func TestBinding(t *testing.T) {
	now := time.Now()
	thumbprint := sum64("x")
	for _, tt := range []struct {
		cnf  string
		want introspect.Binding
		err  error
	}{
		{`{"jkt":"` + thumbprint + `"}`, introspect.Binding{Key: thumbprint}, nil},
		{`{"x5t#S256":"` + thumbprint + `"}`, introspect.Binding{Certificate: thumbprint}, nil},
		{`{"x5t#S256":"` + thumbprint + `","jkt":"` + thumbprint + `","other":1}`, introspect.Binding{Key: thumbprint, Certificate: thumbprint}, nil},
		{`{}`, introspect.Binding{}, introspect.ErrClaims},
		{`null`, introspect.Binding{}, introspect.ErrClaims},
		{`"x"`, introspect.Binding{}, introspect.ErrClaims},
		{`{"jwk":{}}`, introspect.Binding{}, introspect.ErrClaims},
		{`{"jkt":""}`, introspect.Binding{}, introspect.ErrClaims},
		{`{"jkt":1}`, introspect.Binding{}, introspect.ErrClaims},
		{`{"JKT":"` + thumbprint + `"}`, introspect.Binding{}, introspect.ErrClaims},
	} {
		t.Run(tt.cnf, func(t *testing.T) {
			_, view := open(t, withFile(setOf(ecSigner())))
			token, err := view.Introspect(t.Context(), ecSigner().token(claims(now, `,"cnf":`+tt.cnf)), now)
			if !errors.Is(err, tt.err) || err == nil && token.Bound != tt.want {
				t.Errorf("%v, %v; want %+v, %v", token, err, tt.want, tt.err)
			}
			token, err = ask(t, saying(`{"active":true,"cnf":`+tt.cnf+`}`), remoteServer(nil)).Introspect(t.Context(), "t", now)
			if !errors.Is(err, tt.err) || err == nil && token.Bound != tt.want {
				t.Errorf("opaque: %v, %v; want %+v, %v", token, err, tt.want, tt.err)
			}
		})
	}
}

func TestNormalURI(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{"https://h/a", "https://h/a"},
		{"https://h", "https://h/"},
		{"HTTPS://H:443/A?b#c", "https://h/A"},
		{"http://h:80/", "http://h/"},
		{"http://h:443/", "http://h:443/"},
		{"https://h:8443/%7ea%2fb%3A", "https://h:8443/~a%2Fb%3A"},
		{"https://[2001:DB8::1]:443/", "https://[2001:db8::1]/"},
		{"https://u@h/", ""},
		{"ftp://h/", ""},
		{"/a", ""},
		{"", ""},
		{"https://h/%zz", ""},
	} {
		got, err := introspect.NormalURI(tt.raw)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: %q, %v; want %q", tt.raw, got, err, tt.want)
		}
	}
}

// TestThumbprintOfRFC7638 is the example of RFC 7638 3.1.
func TestThumbprintOfRFC7638(t *testing.T) {
	const key = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	got, err := introspect.KeyThumbprint([]byte(key))
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func FuzzProof(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	ec := prover{signer: ecSigner()}
	good := ec.proof(now, "a proof to begin with")
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(strings.Repeat(".", 3))
	judge := proofs(f, func(c *config.Tokens) { c.Proofs.Entries = 1 << 20 })
	f.Fuzz(func(t *testing.T, proof string) {
		err := judge.Check(t.Context(), ec.have(proof), now)
		if err == nil && proof != good {
			t.Fatalf("accepted %q", proof)
		}
	})
}

func BenchmarkProof(b *testing.B) {
	now := time.Now()
	ec := prover{signer: ecSigner()}
	judge := proofs(b, nil)
	have := ec.have(ec.proof(now, "shown again and again"))
	b.ReportAllocs()
	for b.Loop() {
		if err := judge.Check(b.Context(), have, now); err != nil && !errors.Is(err, introspect.ErrReplay) {
			b.Fatal(err)
		}
	}
}
