package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postern/gateway"
	"postern/gateway/trace"
	"postern/provisioning"
	"postern/provisioning/config"
)

const root = ".."

// secret is every secret of a README; as long as a shared key must be.
const secret = "secret-of-sixty-four-bytes-at-least-as-HS512-needs-a-shared-key--"

var (
	yamlBlock  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	secretsDir = regexp.MustCompile(`/run/secrets/`)
	namedFile  = regexp.MustCompile(`[\w-]+\.openapi\.yaml|[\w-]+\.(?:crt|pem|key|pub|json)\b|users\.yaml|secrets/[\w-]+`)
	namedEnv   = regexp.MustCompile(`env: (\w+)`)
)

// readmes are the paths of every README.md of the project.
func readmes(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{".git", "testdata", "node_modules"}, entry.Name()) {
			return fs.SkipDir
		}
		if err == nil && entry.Name() == "README.md" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %d README.md: %v", len(paths), err)
	}
	return paths
}

// TestReadmeYAML loads and builds every yaml block of every README, so that
// whoever copies one has a configuration that runs.
func TestReadmeYAML(t *testing.T) {
	files := newKeyFiles(t)
	for _, path := range readmes(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range yamlBlock.FindAllSubmatchIndex(text, -1) {
			line := 1 + strings.Count(string(text[:at[0]]), "\n")
			t.Run(fmt.Sprintf("%s:%d", filepath.ToSlash(path), line), func(t *testing.T) {
				loadBlock(t, string(text[at[2]:at[3]]), files)
			})
		}
	}
}

// needsTag is what building a block with a collector meets in a build that
// cannot speak to one; the tests run with -tags otel too.
var needsTag = "tracing.endpoint: " + trace.ErrNotBuilt.Error()

// loadBlock loads a block with every file and variable it names in place.
func loadBlock(t *testing.T, block string, files keyFiles) {
	dir := t.TempDir()
	block = secretsDir.ReplaceAllString(block, "secrets/")
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range namedFile.FindAllString(block, -1) {
		content := files.content(name)
		if strings.HasSuffix(name, ".openapi.yaml") {
			var err error
			if content, err = os.ReadFile(filepath.Join("definition", name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var environ []string
	for _, name := range namedEnv.FindAllStringSubmatch(block, -1) {
		environ = append(environ, name[1]+"="+secret)
	}
	path := filepath.Join(dir, "postern.yaml")
	if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{path}, Environ: environ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = gateway.New(zap.NewNop()).Check(loaded.Config)
	if err != nil && err.Error() != needsTag {
		t.Fatal(err)
	}
}

// keyFiles are files of each kind that a README can name.
type keyFiles struct{ certificate, private, public, set []byte }

func newKeyFiles(t *testing.T) keyFiles {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err1 := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	private, err2 := x509.MarshalPKCS8PrivateKey(key)
	public, err3 := x509.MarshalPKIXPublicKey(&key.PublicKey)
	point, err4 := key.PublicKey.Bytes()
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "kid": "1", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	return keyFiles{block("CERTIFICATE", certificate), block("PRIVATE KEY", private), block("PUBLIC KEY", public), set}
}

func (f keyFiles) content(name string) []byte {
	switch filepath.Ext(name) {
	case ".crt", ".pem":
		return f.certificate
	case ".key":
		return f.private
	case ".pub":
		return f.public
	case ".json":
		return f.set
	case ".yaml":
		return []byte("- {name: alice, groups: [staff]}\n")
	default:
		return []byte(secret + "\n")
	}
}

// TestReadmeDefaults keeps the front page honest about defaults: what
// it shows as the default settings is what an empty configuration has.
func TestReadmeDefaults(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(text), "### Listeners and limits")
	block := yamlBlock.FindStringSubmatch(chapter)
	if !found || block == nil {
		t.Fatal("README.md has no block of listeners and limits")
	}
	shown := strings.Replace(block[1], "https: 4486", "https: none", 1)
	shown = regexp.MustCompile(`(?m)^  per_ip: .*\n`).ReplaceAllString(shown, "")
	shown, rest, _ := strings.Cut(shown, "tls:\n")
	_, rest, _ = strings.Cut(rest, "limits:\n")
	path := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(path, []byte(shown+"limits:\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{path}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, want := loaded.Config, config.Default()
	for _, c := range []*config.Config{got, want} {
		if len(c.TrustedProxies) == 0 {
			c.TrustedProxies = nil
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config.Secret{})); diff != "" {
		t.Errorf("the README's defaults are not the defaults (-real +shown):\n%s", diff)
	}
}

// notDefault are the values of upstreams whose comments have another default.
var notDefault = regexp.MustCompile(`, weight: 2|(?m)^ +(?:try_timeout|slow_start|max_pending|max_connections|max_idle): .*\n`)

// TestUpstreamDefaults does the same for what is done about targets that fail.
func TestUpstreamDefaults(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "gateway", "upstream", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := string(notDefault.ReplaceAll(yamlBlock.FindSubmatch(text)[1], nil))
	shown = strings.Replace(shown, "    queue:", "    max_pending: 1\n    queue:", 1)
	const empty = `
apis:
- name: orders
  upstream:
    targets: [{url: "http://orders-1:8080"}, {url: "http://orders-2:8080"}]
    retry: {}
    health: {path: /healthz}
    circuit_breaker: {}
    max_pending: 1
    queue: {}
  policies: {identify: none}
`
	if diff := cmp.Diff(upstreamOf(t, empty), upstreamOf(t, shown)); diff != "" {
		t.Errorf("the page's defaults are not the defaults (-real +shown):\n%s", diff)
	}
}

// upstreamOf is the first API's.
func upstreamOf(t *testing.T, text string) config.Upstream {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{path}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Config.APIs[0].Upstream
}
