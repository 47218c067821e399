package introspect_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// TestWhichTokenIsAsked: a JWT of an issuer that is known here is judged here
// and by nobody else.
func TestWhichTokenIsAsked(t *testing.T) {
	now := time.Now()
	good := rsaSigner(0).token(claims(now, ""))
	for _, tt := range []struct {
		name, token string
		asked       bool
	}{
		{"opaque", "SlAV32hkKG", true},
		{"opaque with dots", "v1.abc.def", true},
		{"two segments", "abc.def", true},
		{"encrypted", b64(`{"alg":"dir","enc":"A128GCM"}`) + "..a.b.c", true},
		{"of another issuer", rsaSigner(0).token(fmt.Sprintf(`{"iss":"https://other","exp":%d}`, now.Add(time.Hour).Unix())), true},
		{"without issuer", rsaSigner(0).token(fmt.Sprintf(`{"exp":%d}`, now.Add(time.Hour).Unix())), true},
		{"good", good, false},
		{"bad signature", good[:len(good)-8] + "AAAAAAAA", false},
		{"expired", rsaSigner(0).token(fmt.Sprintf(`{"iss":%q,"exp":1}`, issuer)), false},
		{"by an unknown key", rsaSigner(1).token(claims(now, "")), false},
		{"critical header", rsaSigner(0).sign(`{"alg":"RS256","kid":"rsa-0","crit":["x"]}`, claims(now, "")), false},
		{"issuer twice", rsaSigner(0).token(`{"iss":"https://other","iss":"` + issuer + `"}`), false},
		{"issuer's twin", rsaSigner(0).token(`{"ISS":"` + issuer + `"}`), false},
		{"header with space", rsaSigner(0).sign(` {"alg":"none"}`, claims(now, "")), false},
		{"unsigned", b64(`{"alg":"none"}`) + "." + b64(claims(now, "")) + ".", false},
		{"payload is no object", rsaSigner(0).token(`[]`), false},
		{"characters", "a b", false},
		{"quotes", `"a"`, false},
		{"too long", strings.Repeat("a", 17<<10), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := saying(`{"active":false}`)
			server := withFile(setOf(rsaSigner(0)))
			server.Remote = remoteServer(nil).Remote
			err := judge(ask(t, a, server), tt.token)
			if (err == nil) != (tt.token == good) {
				t.Error(err)
			}
			if (a.questions() > 0) != tt.asked {
				t.Errorf("%d questions: %v", a.questions(), err)
			}
		})
	}
}

// TestOpaqueOnly: where JWTs are not accepted as such, the auth server judges
// all tokens.
func TestOpaqueOnly(t *testing.T) {
	a := saying(`{"active":false}`)
	token := rsaSigner(0).token(claims(time.Now(), ""))
	if err := judge(ask(t, a, remoteServer(nil)), token); !errors.Is(err, introspect.ErrInactive) || a.questions() != 1 {
		t.Errorf("%v after %d questions", err, a.questions())
	}
}

func TestTwoRemotes(t *testing.T) {
	first, second := remoteServer(nil), remoteServer(nil)
	second.Name, second.Issuer.Value = "other", "urn:other"
	set, err := introspect.NewOver(noNetwork(t), []config.AuthServer{first, second}, defaults, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	const want = `auth servers "corp" and "other" both have remote_introspection, so a token could go to either`
	if _, err := set.For(introspect.Accepts{Servers: []string{"corp", "other"}, Opaque: true}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func FuzzRemoteAnswer(f *testing.F) {
	f.Add([]byte(`{"active":true,"sub":"alice","scope":"a","exp":1}`))
	f.Add([]byte(`{"active":false}`))
	f.Add([]byte(`{"active":true,"aud":[1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := introspect.ReadAnswer(body, time.Unix(0, 0))
		if (token == nil) == (err == nil) {
			t.Fatalf("token %v, error %v", token, err)
		}
		var plain struct{ Active any }
		if err == nil && (json.Unmarshal(body, &plain) != nil || plain.Active != true) {
			t.Fatalf("accepted %q", body)
		}
	})
}
