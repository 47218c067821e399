package introspect_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/introspect"
	"postern/provisioning/config"
)

func withCertificate(c *x509.Certificate) config.AuthServer {
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	return withDefaults(config.AuthServer{
		Name: "corp", Issuer: config.Issuer{Value: issuer}, Required: true,
		Local: &config.LocalIntrospection{Certificate: file(block)},
	})
}

// A certificate ends while the gateway runs: cached tokens too, and readiness.
func TestCertificateEnds(t *testing.T) {
	_, _ = rsaKeys(), edKey() // slow to make
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Add(time.Hour).Truncate(time.Second)
		end := begin.Add(time.Hour)
		set, view := open(t, withCertificate(certificateOf(edSigner(), begin, end)))
		token := edSigner().token(fmt.Sprintf(`{"iss":%q,"exp":%d}`, issuer, end.Add(24*time.Hour).Unix()))
		for _, tt := range []struct {
			when   time.Time
			want   error
			reason string
		}{
			{begin.Add(-time.Second), introspect.ErrUnreachable, "not valid before"},
			{begin, nil, ""},
			{end.Add(-time.Second), nil, ""},
			{end.Add(time.Second), introspect.ErrUnreachable, "not valid after"},
			{begin, nil, ""},
		} {
			time.Sleep(time.Until(tt.when))
			if _, err := view.Introspect(context.Background(), token, tt.when); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.when, err, tt.want)
			}
			if time.Now().After(tt.when) {
				continue // the past can be asked of tokens only
			}
			st := set.Status()[0]
			if st.Usable != (tt.want == nil) || (set.Ready() == nil) != (tt.want == nil) || !strings.Contains(st.Keys[0].Reason, tt.reason) {
				t.Errorf("%s: ready %v, status %+v", tt.when, set.Ready(), st)
			}
			if !st.Keys[0].NotBefore.Equal(begin) || !st.Keys[0].NotAfter.Equal(end) {
				t.Errorf("status says from %s to %s", st.Keys[0].NotBefore, st.Keys[0].NotAfter)
			}
		}
	})
}

func TestCertificateThatHasEndedIsLogged(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	server := withCertificate(certificateOf(edSigner(), time.Unix(0, 0), time.Unix(1, 0)))
	block := server.Local.Certificate
	apps := applications([]config.Strategy{{Issuer: "partner", Certificate: block}})
	rules := introspect.Rules{Servers: []config.AuthServer{server}, Applications: apps, Tokens: defaults}
	set, err := introspect.New(rules, nil, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	set.Start()
	defer set.Close()
	if entries := logged.FilterMessage("key not used").All(); len(entries) != 2 {
		t.Errorf("logged %+v", logged.All())
	}
}

func thumbprints(c *x509.Certificate) (x5t, sha256tp string) {
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return b64(string(one[:])), b64(string(two[:]))
}

func x5c(c *x509.Certificate) string {
	return fmt.Sprintf(`,"x5c":[%q]`, base64.StdEncoding.EncodeToString(c.Raw))
}

func TestThumbprintPicksAKey(t *testing.T) {
	a, b := certificateOf(rsaSigner(0), at, at.Add(time.Hour)), certificateOf(rsaSigner(1), at, at.Add(time.Hour))
	x5tA, shaA := thumbprints(a)
	x5tB, shaB := thumbprints(b)
	_, view := open(t, withFile(jwks(rsaSigner(0).jwk(x5c(a)), rsaSigner(1).jwk(fmt.Sprintf(`,"x5t":%q`, x5tB)))))
	signed := func(members string) string { return rsaSigner(0).sign(`{"alg":"RS256"`+members+`}`, claims(at, "")) }
	tests := []struct {
		name, members string
		want          error
	}{
		{"x5t", fmt.Sprintf(`,"x5t":%q`, x5tA), nil},
		{"x5t#S256", fmt.Sprintf(`,"x5t#S256":%q`, shaA), nil},
		{"both", fmt.Sprintf(`,"x5t":%q,"x5t#S256":%q`, x5tA, shaA), nil},
		{"with its kid", fmt.Sprintf(`,"kid":"rsa-0","x5t":%q`, x5tA), nil},
		{"of the other key", fmt.Sprintf(`,"x5t":%q`, x5tB), introspect.ErrSignature},
		{"of one key and the other's kid", fmt.Sprintf(`,"kid":"rsa-0","x5t":%q`, x5tB), introspect.ErrKey},
		{"two that differ", fmt.Sprintf(`,"kid":"rsa-0","x5t":%q,"x5t#S256":%q`, x5tA, shaB), introspect.ErrKey},
		{"of nobody", `,"x5t":"AAAA"`, introspect.ErrKey},
		{"a number", `,"x5t":1`, introspect.ErrMalformed},
		{"a list", fmt.Sprintf(`,"x5t#S256":[%q]`, shaA), introspect.ErrMalformed},
		{"its twin", fmt.Sprintf(`,"X5T":%q`, x5tA), introspect.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := judgeAt(view, signed(tt.members)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCertificatesInAKeySet(t *testing.T) {
	s := rsaSigner(0)
	good := certificateOf(s, at.Add(-time.Hour), at.Add(time.Hour))
	x5tOther, _ := thumbprints(certificateOf(s, at, at))
	tests := []struct {
		name, members string
		skipped       string // why the key is left out
		want          error  // of a token of the key, when it is not
	}{
		{"valid", x5c(good), "", nil},
		{"of another key", x5c(certificateOf(rsaSigner(1), at, at.Add(time.Hour))), "certificate of another key", nil},
		{"no base64", `,"x5c":["!"]`, "x5c: illegal base64", nil},
		{"no certificate", `,"x5c":["MIIB"]`, "x5c: x509", nil},
		{"not its x5t", x5c(good) + fmt.Sprintf(`,"x5t":%q`, x5tOther), "x5t is not", nil},
		{"not yet valid", x5c(certificateOf(s, at.Add(time.Second), at.Add(time.Hour))), "", introspect.ErrKey},
		{"no longer valid", x5c(certificateOf(s, at.Add(-time.Hour), at.Add(-time.Second))), "", introspect.ErrKey},
		{"none", "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, view := open(t, withFile(jwks(s.jwk(tt.members), edSigner().jwk(""))))
			st := set.Status()[0]
			if tt.skipped != "" {
				if len(st.Skipped) != 1 || !strings.Contains(st.Skipped[0].Reason, tt.skipped) {
					t.Errorf("status %+v, want it skipped for %q", st, tt.skipped)
				}
				return
			}
			if err := judgeAt(view, s.token(claims(at, ""))); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			text := string(must(json.Marshal(st)))
			if strings.Contains(text, "not_after") != (tt.members != "") {
				t.Errorf("status %s", text)
			}
		})
	}
}
