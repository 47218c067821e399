package examples_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// issuerInExamples is where the settings of the example expect its issuer.
const issuerInExamples = "http://127.0.0.1:9000"

// provider is npm's oidc-provider at work.
type provider struct {
	folder string // where it is installed
	url    string
	port   int // the same one after a restart
	stop   func()
}

// newProvider installs and starts the issuer of examples/oidc, until the test
// ends.
func newProvider(t *testing.T) *provider {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	p := &provider{folder: t.TempDir()}
	for _, name := range []string{"provider.mjs", "package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("oidc", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = p.folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	p.start(t)
	t.Cleanup(func() { p.stop() })
	return p
}

// start runs the provider and waits until it listens.
func (p *provider) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, "node", "provider.mjs", strconv.Itoa(p.port))
	command.Dir = p.folder
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = func() {
		cancel()
		_ = command.Wait() // it was killed, and says so
		p.stop = func() {}
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		address, ok := strings.CutPrefix(lines.Text(), "issuer ")
		if !ok {
			continue
		}
		at, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		p.url = address
		p.port, _ = strconv.Atoi(at.Port())
		go func() { _, _ = io.Copy(io.Discard, out) }() // it ends with the process
		return
	}
	t.Fatal("the provider did not start")
}

// token asks for an ordinary one as the shop does.
func (p *provider) token(t *testing.T, resource, scope string) string {
	t.Helper()
	token, _ := p.grant(t, wish{"shop", resource, scope})
	return token
}

// rotate makes new keys; query may say to drop the old ones.
func (p *provider) rotate(t *testing.T, query string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/rotate"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kids []string
	if status := exchangeJSON(t, request, &kids); status != 200 || len(kids) != 4 {
		t.Fatalf("rotate: status %d, %q", status, kids)
	}
}

func exchangeJSON(t *testing.T, request *http.Request, answer any) int {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// ask sends one request and returns its status and what was answered.
func ask(ctx context.Context, method, address, token string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// eventually polls until the answer has the status.
func eventually(t *testing.T, want int, method, address, token string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		status, body, err := ask(t.Context(), method, address, token)
		if err == nil && status == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s %s: status %d, want %d: %s %v", method, address, status, want, body, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
}

func TestOIDC(t *testing.T) {
	idp := newProvider(t)
	base := boot(t, "oidc",
		issuerInExamples, idp.url,
		"{discovery: true}", "{discovery: true, refresh: 1s, unknown_kid_interval: 1s}")
	orders := base + "/gateway/orders/1.0/orders"
	eventually(t, 401, "GET", orders+"/7", "")
	eventually(t, 200, "GET", orders+"/7", idp.token(t, "RS256", "orders:read"))

	expect := func(t *testing.T, want int, method, address, token string) {
		t.Helper()
		if status, body, err := ask(t.Context(), method, address, token); err != nil || status != want {
			t.Errorf("%s %s: status %d, want %d: %s %v", method, address, status, want, body, err)
		}
	}
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			reader, writer := idp.token(t, alg, "orders:read"), idp.token(t, alg, "orders:write")
			expect(t, 200, "GET", orders+"/7", reader)
			expect(t, 403, "POST", orders, reader)
			expect(t, 200, "POST", orders, writer)
			expect(t, 401, "GET", orders+"/7", reader[:len(reader)-8]+"AAAAAAAA")
		})
	}

	// Nobody's valid token fails while the issuer changes its keys.
	t.Run("rotation", func(t *testing.T) {
		before := idp.token(t, "ES256", "orders:read")
		var asked atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				status, body, err := ask(ctx, "GET", orders+"/7", before)
				if ctx.Err() != nil {
					return
				}
				if asked.Add(1); err != nil || status != 200 {
					t.Errorf("a token of the old keys: status %d %s %v", status, body, err)
				}
			}
		}()
		idp.rotate(t, "")
		for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
			expect(t, 200, "GET", orders+"/7", idp.token(t, alg, "orders:read"))
		}
		for until := asked.Load() + 20; asked.Load() < until && !t.Failed(); {
			<-time.After(time.Millisecond)
		}
		stop()
		<-done
		idp.rotate(t, "?drop=1")
		eventually(t, 401, "GET", orders+"/7", before)
		expect(t, 200, "GET", orders+"/7", idp.token(t, "ES256", "orders:read"))
	})

	// An issuer that is away does not matter to tokens it has given out.
	t.Run("outage", func(t *testing.T) {
		token := idp.token(t, "PS256", "orders:read")
		expect(t, 200, "GET", orders+"/7", token)
		idp.stop()
		for range 50 {
			expect(t, 200, "GET", orders+"/7", token)
		}
		idp.start(t) // with new keys
		fresh := idp.token(t, "PS256", "orders:read")
		eventually(t, 200, "GET", orders+"/7", fresh)
		eventually(t, 401, "GET", orders+"/7", token)
	})
}

// TestOIDCAway starts a gateway before its issuer.
func TestOIDCAway(t *testing.T) {
	idp := newProvider(t)
	token := idp.token(t, "RS256", "orders:read")
	idp.stop()
	base := boot(t, "oidc",
		issuerInExamples, idp.url,
		"{discovery: true}", "{discovery: true, refresh: 1s, unknown_kid_interval: 1s}")
	address := base + "/gateway/orders/1.0/orders/7"
	if status, body, err := ask(t.Context(), "GET", address, token); err != nil || status != 503 {
		t.Errorf("without keys: status %d, want 503: %s %v", status, body, err)
	}
	idp.start(t)
	eventually(t, 200, "GET", address, idp.token(t, "RS256", "orders:read"))
}
