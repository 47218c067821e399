package examples_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	// upstreamInExamples is where the settings of an example expect a service.
	upstreamInExamples = "http://127.0.0.1:8080"
	// upstreamByName is where they do so when it has a name of its own.
	upstreamByName = "http://orders:8080"
	// keysInExamples is where they expect the keys of quickstart's issuer.
	keysInExamples = "https://idp.example.com/keys"
)

// mounted is a secret where a service manager or an orchestrator puts it.
var mounted = regexp.MustCompile(`/run/(?:secrets|credentials)(?:/[\w.-]+)+`)

// settle copies an example and brings its settings to this machine: a service
// and an issuer of the test's own, and secrets in files. It returns the path of
// the settings, which are in the folder or in its config.
func settle(t *testing.T, folder string, edits ...string) string {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Method, r.URL)
		for name, values := range r.Header {
			fmt.Fprintf(w, "%s=%s\n", name, strings.Join(values, ", "))
		}
	}))
	t.Cleanup(service.Close)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, quickstartKeys(t))
	}))
	t.Cleanup(keys.Close)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(dir, "postern.yaml")
	if _, err := os.Stat(settings); err != nil {
		settings = filepath.Join(dir, "config", "postern.yaml")
	}
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	edits = append(edits, upstreamInExamples, service.URL, upstreamByName, service.URL, keysInExamples, keys.URL)
	moved := strings.NewReplacer(edits...).Replace(string(text))
	moved = mounted.ReplaceAllStringFunc(moved, func(path string) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	})
	if err := os.WriteFile(settings, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	return settings
}

// quickstartKeys is the key set of quickstart's issuer.
func quickstartKeys(t *testing.T) string {
	text, err := os.ReadFile(filepath.Join("quickstart", "issuer.pub"))
	if err != nil {
		t.Error(err)
		return ""
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Error(err)
		return ""
	}
	point, err := key.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Error(err)
		return ""
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:]))
}
