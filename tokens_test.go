package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"postern/provisioning/commandline"
)

// succeed runs a command line that must end well, with input on its standard
// input, and returns what it wrote there.
func succeed(t *testing.T, input string, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := commandline.Execute(t.Context(), newRoot(), args, commandline.Streams{In: strings.NewReader(input), Out: &out, Err: &stderr}); code != 0 {
		t.Fatalf("%q: exit code %d, %s", args, code, &stderr)
	}
	return out.String()
}

// TestKeysSignVerify: every algorithm, from the key to the claims, and judged
// by others too.
func TestKeysSignVerify(t *testing.T) {
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			dir := t.TempDir()
			succeed(t, "", "keys", "--alg", alg, "--out", dir)
			private, public, set := filepath.Join(dir, "private.pem"), filepath.Join(dir, "public.pem"), filepath.Join(dir, "jwks.json")
			token := strings.TrimSpace(succeed(t, "", "token", "sign", "--key", private, "--alg", alg, "--subject", "alice"))
			for _, flags := range [][]string{{"--jwks", set}, {"--key", public}, {"--key", private}} {
				out := succeed(t, "", append([]string{"token", "verify", token, "--claim", "sub", "--alg", alg}, flags...)...)
				if diff := cmp.Diff("{\n  \"sub\": \"alice\"\n}\n", out); diff != "" {
					t.Errorf("%q (-want +got):\n%s", flags, diff)
				}
			}
			text, err := os.ReadFile(public)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return parsePublic(text) }, jwt.WithValidMethods([]string{alg}))
			if err != nil || parsed.Header["typ"] != "JWT" || parsed.Header["kid"] == "" {
				t.Errorf("golang-jwt: %v, header %v", err, parsed.Header)
			}
			openssl(t, "pkey", "-check", "-noout", "-in", private)
			openssl(t, "pkey", "-pubin", "-pubcheck", "-noout", "-in", public)
		})
	}
}

func parsePublic(text []byte) (any, error) {
	if key, err := jwt.ParseECPublicKeyFromPEM(text); err == nil {
		return key, nil
	}
	if key, err := jwt.ParseEdPublicKeyFromPEM(text); err == nil {
		return key, nil
	}
	return jwt.ParseRSAPublicKeyFromPEM(text)
}

// openssl runs a check of it, where it is there.
func openssl(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil && os.Getenv("CI") == "" {
		return
	}
	if args[1] == "-pubin" && strings.Contains(t.Name(), "EdDSA") {
		return // openssl 3.0 has no such check for it
	}
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Errorf("openssl %q: %v\n%s", args, err, out)
	}
}

func TestKeysFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if out := succeed(t, "", "keys", "--kid", "first", "--out", dir); strings.Count(out, "\n") != 3 {
		t.Errorf("printed %q, want three files", out)
	}
	private := filepath.Join(dir, "private.pem")
	before, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "keys", "--out", dir); code != 1 || !strings.Contains(stderr, "private.pem is there already; --force") {
		t.Errorf("again: exit code %d, %q", code, stderr)
	}
	if again, err := os.ReadFile(private); err != nil || !bytes.Equal(before, again) {
		t.Error("a refused overwrite has changed the file")
	}
	if err := os.Chmod(private, 0o644); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "keys", "--force", "--kid", "second", "--out", dir)
	if info, err := os.Stat(private); err != nil || info.Mode() != 0o600 {
		t.Errorf("private.pem: %v, %v", info.Mode(), err)
	}
	if set, err := os.ReadFile(filepath.Join(dir, "jwks.json")); err != nil || !strings.Contains(string(set), `"kid": "second"`) {
		t.Errorf("jwks.json: %s, %v", set, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
		t.Errorf("the directory holds %v, %v", left, err)
	}

	other := t.TempDir()
	succeed(t, "", "keys", "--alg", "HS256", "--out", other)
	secret, err := os.ReadFile(filepath.Join(other, "secret"))
	if random, err2 := base64.RawURLEncoding.DecodeString(strings.TrimSpace(string(secret))); err != nil || err2 != nil || len(random) != 32 {
		t.Errorf("secret of %d bytes, %v, %v", len(random), err, err2)
	}
	if info, err := os.Stat(filepath.Join(other, "secret")); err != nil || info.Mode() != 0o600 {
		t.Errorf("secret: %v, %v", info.Mode(), err)
	}
	token := strings.TrimSpace(succeed(t, "", "token", "sign", "--key", filepath.Join(other, "secret"), "--alg", "HS256"))
	key := []byte(strings.TrimSpace(string(secret)))
	if parsed, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return key, nil }); err != nil || parsed.Header["kid"] != nil {
		t.Errorf("HS256: %v, %v", parsed.Header, err)
	}
	succeed(t, "", "token", "verify", token, "--key", filepath.Join(other, "secret"))
}

// TestKeysJWKS: the set of two keys verifies tokens of both.
func TestKeysJWKS(t *testing.T) {
	old, next := t.TempDir(), t.TempDir()
	succeed(t, "", "keys", "--out", old)
	succeed(t, "", "keys", "--out", next, "--alg", "EdDSA")
	set := filepath.Join(t.TempDir(), "jwks.json")
	text := succeed(t, "", "keys", "jwks", filepath.Join(old, "public.pem"), filepath.Join(next, "private.pem"))
	if strings.Contains(text, `"d"`) {
		t.Error("the key set holds a private key")
	}
	if err := os.WriteFile(set, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{old, next} {
		token := succeed(t, "", "token", "sign", "--key", filepath.Join(dir, "private.pem"))
		succeed(t, token, "token", "verify", "-", "--jwks", set)
	}
	if code, _, stderr := command(t, "keys", "jwks", filepath.Join(old, "public.pem"), filepath.Join(old, "jwks.json")); code != 1 || !strings.Contains(stderr, "two keys are named") {
		t.Errorf("a key twice: exit code %d, %q", code, stderr)
	}
}

// inDir makes a directory with a key the working directory.
func inDir(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	succeed(t, "", "keys", "--kid", "k1")
	for name, text := range map[string]string{
		"claims.json": `{"sub":"file","n":12345678901234567890,"exp":4102444800,"nested":{"a":[1,"x"]}}`,
		"short":       "too-short",
		"secret":      strings.Repeat("s", 32) + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// parts are the header and the claims of a token, dates replaced by their
// distance from iat.
func parts(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	now, _ := claims["iat"].(float64)
	for _, name := range []string{"exp", "nbf"} {
		if when, ok := claims[name].(float64); ok && now > 0 {
			claims[name] = when - now
		}
	}
	delete(claims, "iat")
	return header, claims
}

func TestTokenSign(t *testing.T) {
	inDir(t)
	t.Setenv("SECRET", strings.Repeat("e", 32))
	plain := map[string]any{"alg": "ES256", "kid": "k1", "typ": "JWT"}
	for _, tt := range []struct {
		name           string
		flags          string
		input          string
		header, claims map[string]any
	}{
		{name: "nothing but the key", flags: "--kid k1", claims: map[string]any{"exp": 300.0}},
		{
			name: "named claims", flags: "--kid k1 --issuer i --subject s --audience a --jti j --expires 1h --not-before=-1m",
			claims: map[string]any{"iss": "i", "sub": "s", "aud": "a", "jti": "j", "exp": 3600.0, "nbf": -60.0},
		},
		{
			name: "two audiences", flags: "--kid k1 --audience a --audience b --expires none",
			claims: map[string]any{"aud": []any{"a", "b"}},
		},
		{
			name: "own claims", flags: `--kid k1 --claim scope=a=b --claim roles:=["x"] --claim n:=1 --claim exp:=7 --issued-at none`,
			claims: map[string]any{"scope": "a=b", "roles": []any{"x"}, "n": 1.0, "exp": 7.0},
		},
		{
			name: "a file, and what wins over it", flags: "--kid k1 --claims claims.json --issued-at none --subject flag",
			claims: map[string]any{"sub": "flag", "n": 12345678901234567890.0, "exp": 4102444800.0, "nested": map[string]any{"a": []any{1.0, "x"}}},
		},
		{
			name: "claims from standard input", flags: "--kid k1 --claims - --expires 2026-01-02T03:04:05Z --issued-at none", input: `{"sub":"in"}`,
			claims: map[string]any{"sub": "in", "exp": 1767323045.0},
		},
		{
			name: "header", flags: "--kid none --typ at+jwt --header x=1 --header y:=[1] --expires none",
			header: map[string]any{"alg": "ES256", "typ": "at+jwt", "x": "1", "y": []any{1.0}}, claims: map[string]any{},
		},
		{
			name: "secret from the environment", flags: "--key-env SECRET --expires none --kid k2 --typ none",
			header: map[string]any{"alg": "HS256", "kid": "k2"}, claims: map[string]any{},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"token", "sign"}, strings.Fields(tt.flags)...)
			if !strings.Contains(tt.flags, "--key-env") {
				args = append(args, "--key", "private.pem")
			}
			header, claims := parts(t, succeed(t, tt.input, args...))
			if tt.header == nil {
				tt.header = plain
			}
			if diff := cmp.Diff(tt.header, header) + cmp.Diff(tt.claims, claims); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if big := succeed(t, "", "token", "sign", "--key", "private.pem", "--claims", "claims.json"); !strings.Contains(decode(t, big), "12345678901234567890") {
		t.Error("a large number was not kept")
	}
}

func decode(t *testing.T, token string) string {
	t.Helper()
	return succeed(t, token, "token", "decode", "-")
}

func TestTokenSignRefuses(t *testing.T) {
	inDir(t)
	for _, tt := range []struct{ name, flags, want string }{
		{"no key", "", "state the key: --key or --key-env"},
		{"no such file", "--key none.pem", "none.pem"},
		{"empty variable", "--key-env NOT_SET", "$NOT_SET is empty"},
		{"public key", "--key public.pem", "it holds no private key"},
		{"another algorithm", "--key private.pem --alg RS256", "the key cannot sign with RS256; it can with ES256"},
		{"no algorithm", "--key private.pem --alg none", `--alg "none" is not a signature algorithm`},
		{"a word that is near one", "--key private.pem --alg ES255", `did you mean "ES256"?`},
		{"short secret", "--key short --alg HS256", "the secret has 9 bytes; HS256 needs 32"},
		{"secret too short for the hash", "--key secret --alg HS512", "the secret has 32 bytes; HS512 needs 64"},
		{"a private key is no secret", "--key private.pem --alg HS256", "the key cannot sign with HS256"},
		{"date", "--key private.pem --expires soon", `--expires: "soon" is not a duration`},
		{"claim", "--key private.pem --claim sub", `--claim: "sub" is neither`},
		{"JSON claim", "--key private.pem --claim a:=[", "--claim: a: read JSON"},
		{"claims", "--key private.pem --claims private.pem", "--claims: read JSON"},
		{"own alg", "--key private.pem --header alg=none", "--header: alg has a flag of its own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := command(t, append([]string{"token", "sign"}, strings.Fields(tt.flags)...)...)
			if code != 1 || out != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q, %q; want %q", code, out, stderr, tt.want)
			}
		})
	}
}

func TestTokenVerifyRefuses(t *testing.T) {
	inDir(t)
	sign := func(flags string) string {
		return succeed(t, "", append([]string{"token", "sign", "--key", "private.pem", "--kid", "k1"}, strings.Fields(flags)...)...)
	}
	good := sign("--issuer i --audience a")
	for _, tt := range []struct{ name, token, flags, want string }{
		{"expired", sign("--expires=-1h"), "--jwks jwks.json", "refused: token has expired"},
		{"expired, but for the clocks", sign("--expires=-10s"), "--jwks jwks.json", ""},
		{"expired, clocks equal", sign("--expires=-10s"), "--jwks jwks.json --clock-skew 0s", "refused: token has expired"},
		{"not yet", sign("--not-before 1h"), "--key public.pem", "refused: token is not yet valid"},
		{"no exp", sign("--expires none"), "--key public.pem", "no exp"},
		{"another kid", sign("--kid k2"), "--jwks jwks.json", `token's key is not known: kid "k2"`},
		{"issuer", good, "--jwks jwks.json --issuer other", "token's issuer is not known"},
		{"audience", good, "--jwks jwks.json --audience b --audience c", `token is for another audience: aud ["a"]`},
		{"one of the audiences", good, "--jwks jwks.json --issuer i --audience b --audience a", ""},
		{"algorithm", good, "--key public.pem --alg RS256", "none of its keys fits an allowed algorithm"},
		{"changed", strings.Replace(good, ".eyJ", ".eyK", 1), "--key public.pem", "refused: "},
		{"not a token", "abc", "--key public.pem", "refused: token is malformed"},
		{"typ", sign("--typ dpop+jwt"), "--key public.pem", `typ "dpop+jwt"`},
		{"another typ", sign("--typ dpop+jwt"), "--key public.pem --typ dpop+jwt", ""},
		{"http", good, "--jwks-uri http://keys.example.com/", "must be https"},
		{"two keys", good, "--jwks jwks.json --key public.pem", "none of the others can be"},
		{"a set with a private key", good, "--jwks private.pem", "parse key set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := command(t, append([]string{"token", "verify", strings.TrimSpace(tt.token)}, strings.Fields(tt.flags)...)...)
			if (code == 0) != (tt.want == "") || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q; want %q", code, stderr, tt.want)
			}
		})
	}
}

// TestTokenVerifyAsConfigured: without a key, the configuration judges; keys are
// fetched as the gateway does.
func TestTokenVerifyAsConfigured(t *testing.T) {
	inDir(t)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": "http://" + r.Host, "jwks_uri": "http://" + r.Host + "/keys"})
		case "/keys":
			http.ServeFile(w, r, "jwks.json")
		default:
			http.NotFound(w, r)
		}
	}))
	defer issuer.Close()
	configuration := open + `auth_servers:
- {name: corp, issuer: "` + issuer.URL + `", local_introspection: {discovery: true}, audience: {any: [orders]}}
- {name: file, issuer: file, local_introspection: {public_key: public.pem}, audience: unchecked}
`
	if err := os.WriteFile("postern.yaml", []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	sign := func(flags ...string) string {
		return strings.TrimSpace(succeed(t, "", append([]string{"token", "sign", "--key", "private.pem", "--kid", "k1"}, flags...)...))
	}
	for _, tt := range []struct {
		name, token string
		flags       []string
		want        string
	}{
		{name: "fetched keys", token: sign("--issuer", issuer.URL, "--audience", "orders")},
		{name: "its audience", token: sign("--issuer", issuer.URL), want: "token is for another audience"},
		{name: "file", token: sign("--issuer", "file")},
		{name: "only the one", token: sign("--issuer", "file"), flags: []string{"--auth-server", "corp"}, want: "token's issuer is not known"},
		{name: "no such", token: sign("--issuer", "file"), flags: []string{"--auth-server", "fiel"}, want: `did you mean "file"?`},
		{name: "discovery", token: sign("--issuer", issuer.URL), flags: []string{"--issuer-url", issuer.URL}},
		{name: "address", token: sign(), flags: []string{"--jwks-uri", issuer.URL + "/keys"}},
		{name: "nothing at the address", token: sign(), flags: []string{"--jwks-uri", issuer.URL + "/nothing"}, want: "unexpected status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := command(t, append([]string{"token", "verify", "Bearer " + tt.token}, tt.flags...)...)
			if (code == 0) != (tt.want == "") || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q; want %q", code, stderr, tt.want)
			}
		})
	}
}

func TestTokenDecode(t *testing.T) {
	const token = "eyJhbGciOiJub25lIn0=.eyJzdWIiOiJhIiwiZXhwIjoxLCJiaWciOjEyMzQ1Njc4OTAxMjM0NTY3ODkwfQ."
	code, out, stderr := command(t, "token", "decode", token)
	if code != 0 || stderr != "NOT VERIFIED\n" || !strings.Contains(out, `"exp": "1970-01-01T00:00:01Z, `) || !strings.Contains(out, `"big": 12345678901234567890`) {
		t.Errorf("exit code %d, %s, %s", code, out, stderr)
	}
	if diff := cmp.Diff("{\n  \"sub\": \"a\"\n}\n", succeed(t, token, "token", "decode", "-", "--claim", "sub", "--claim", "nothing")); diff != "" {
		t.Errorf("one claim (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "state the token"},
		{"empty input", []string{"-"}, "there is no token"},
		{"two", []string{"a.b.c", "--token-file", "x"}, "state the token"},
		{"no such file", []string{"--token-file", "none.jwt"}, "none.jwt"},
		{"encrypted", []string{"a.b.c.d.e"}, "encrypted (JWE)"},
		{"one part", []string{"abc"}, "3 parts"},
		{"characters", []string{"a!.e30.x"}, "header: not base64url"},
		{"no JSON", []string{"e30.AAAA.x"}, "claims: not a JSON object"},
		{"null", []string{"e30.bnVsbA.x"}, "claims: not a JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, _, stderr := command(t, append([]string{"token", "decode"}, tt.args...)...); code != 1 || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q; want %q", code, stderr, tt.want)
			}
		})
	}
}
