package examples_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap/zaptest"

	"postern/gateway"
	"postern/provisioning"
)

func TestExamples(t *testing.T) {
	folders, err := filepath.Glob("*/expect.txt")
	if err != nil || len(folders) == 0 {
		t.Fatalf("found %d examples: %v", len(folders), err)
	}
	for _, expect := range folders {
		folder := filepath.Dir(expect)
		t.Run(folder, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(folder, "README.md")); err != nil {
				t.Errorf("an example explains itself: %v", err)
			}
			base := boot(t, folder)
			for _, e := range readExpectations(t, expect) {
				t.Run(e.name(), func(t *testing.T) { e.play(t, folder, base) })
			}
		})
	}
}

// boot runs a gateway on a copy of an example's settings, on free ports and
// before a service of its own, and returns its address. edits are pairs of old
// and new text.
func boot(t *testing.T, folder string, edits ...string) string {
	t.Helper()
	settings := settle(t, folder, edits...)
	loaded, err := provisioning.Load(provisioning.Sources{
		Paths:   []string{settings},
		Environ: []string{"POSTERN_PORTS_HTTP=127.0.0.1:0", "POSTERN_ADMIN_API_LISTEN=127.0.0.1:0"},
		Strict:  true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(zaptest.NewLogger(t))
	if err := g.Apply(loaded.Config); err != nil {
		t.Fatal(err)
	}
	return serve(t, g)
}

// expectation is a line of an expect.txt.
type expectation struct {
	method, target, token string
	status                int
	code                  string
}

func readExpectations(t *testing.T, path string) (all []expectation) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		var e expectation
		if fields, err := fmt.Sscan(line, &e.method, &e.target, &e.token, &e.status, &e.code); fields < 4 {
			t.Fatalf("%s:%d: %q: %v", path, n+1, line, err)
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		t.Fatalf("%s expects nothing", path)
	}
	return all
}

func (e expectation) name() string {
	return fmt.Sprintf("%s %s %s %d", e.method, strings.ReplaceAll(e.target, "/", "."), e.token, e.status)
}

// play sends the request and compares the status and the problem's code.
func (e expectation) play(t *testing.T, folder, base string) {
	request, err := http.NewRequest(e.method, base+e.target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.token != "-" {
		token, err := os.ReadFile(filepath.Join(folder, e.token+".jwt"))
		if errors.Is(err, fs.ErrNotExist) {
			token, err = os.ReadFile(filepath.Join("quickstart", e.token+".jwt"))
		}
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var problem struct{ Code string }
	if response.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.Unmarshal(body, &problem); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
	}
	if response.StatusCode != e.status || problem.Code != e.code {
		t.Errorf("%d %q, want %d %q: %s", response.StatusCode, problem.Code, e.status, e.code, body)
	}
}

// serve runs a gateway until the test ends and returns the address of its
// traffic.
func serve(t *testing.T, g *gateway.Gateway) string {
	t.Helper()
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + g.Addrs().HTTP.String()
}
