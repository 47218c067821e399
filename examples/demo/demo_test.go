package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"postern/examples/demo"
	"postern/gateway"
	"postern/provisioning"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // fasthttp's own end by themselves, later
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// assemble joins a gateway to what changes it, and its log to the test's.
func assemble(t *testing.T) func(provisioning.Sources) (*gateway.Gateway, *provisioning.Reloader) {
	log := zaptest.NewLogger(t)
	return func(from provisioning.Sources) (*gateway.Gateway, *provisioning.Reloader) {
		g := gateway.New(log)
		return g, provisioning.NewReloader(from, g.Apply, log)
	}
}

// once plays the demonstration and returns what it printed.
func once(t *testing.T, hooks demo.Hooks, patience time.Duration) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Options{Out: &out, Assemble: assemble(t), Once: true, Hooks: hooks, Patience: patience})
	return out.String(), err
}

func TestOnce(t *testing.T) {
	begun := time.Now()
	out, err := once(t, demo.Hooks{}, 0)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := strings.Count(out, "ok  "); n != 8 || strings.Contains(out, "FAIL") {
		t.Errorf("%d of 8 lines are ok:\n%s", n, out)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %s; a demonstration is a matter of seconds", took)
	}
}

func replace(old, by string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, by, 1) }
}

// TestOnceFails breaks what each expectation rests on, and sees that very
// expectation fail.
func TestOnceFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hooks demo.Hooks
		fails []string // begins of the lines that say FAIL
	}{
		{
			"key",
			demo.Hooks{Publish: func([]string) []string { return nil }},
			[]string{"a valid token", "a token without the scope", "after a key rotation, a new token"},
		},
		{
			"scope",
			demo.Hooks{Settings: replace(`authorize: {token_scopes: {any: ["orders:read"]}}`, "")},
			[]string{"a token without the scope"},
		},
		{
			"caller",
			demo.Hooks{Settings: replace("claim_headers: {X-User: sub}", "claim_headers: {X-User: iss}")},
			[]string{"a valid token"},
		},
		{
			"identify",
			demo.Hooks{Settings: func(text string) string {
				before, _, _ := strings.Cut(text, "    identify:")
				return before + "    identify: none\n"
			}},
			[]string{"no token", "an expired token"},
		},
		{
			"route",
			demo.Hooks{Settings: replace("- name: orders", "- name: stock")},
			[]string{"a valid token", "no token"},
		},
		{
			"route that should not be",
			demo.Hooks{Settings: replace("{path: /orders,", "{path: \"/**\",")},
			[]string{"a path that is not there"},
		},
		{
			"reload of the same",
			demo.Hooks{Edit: func(text string) string { return text }},
			[]string{"after an edit adds that path"},
		},
		{
			"reload of a broken file",
			demo.Hooks{Edit: func(text string) string { return text + "apis: [" }},
			[]string{"after an edit adds that path"},
		},
		{
			"rotation that removes no key",
			demo.Hooks{Publish: func(kids []string) []string { return kids }},
			[]string{"a token of the removed key"},
		},
		{
			"rotation that publishes no key",
			demo.Hooks{Publish: func(kids []string) []string { return kids[:1] }},
			[]string{"after a key rotation, a new token", "a token of the removed key"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := once(t, tt.hooks, time.Second)
			if err == nil || !strings.Contains(err.Error(), "not met") {
				t.Errorf("error %v, want expectations that were not met", err)
			}
			for _, name := range tt.fails {
				if !strings.Contains(out, "FAIL  "+name+" ") {
					t.Errorf("%q did not fail:\n%s", name, out)
				}
			}
		})
	}
}

// TestSettingsAtFault: what cannot be loaded is reported with its place.
func TestSettingsAtFault(t *testing.T) {
	_, err := once(t, demo.Hooks{Settings: replace("identify:", "identity:")}, 0)
	if err == nil || !regexp.MustCompile(`postern\.yaml:\d+:\d+: apis\[0\]\.policies`).MatchString(err.Error()) {
		t.Errorf("error %v, want a fault with file, line and column", err)
	}
}

// TestPrintedLines stays, takes the printed lines at their word and pastes them
// into a shell.
func TestPrintedLines(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- demo.Run(ctx, demo.Options{Out: out, Assemble: assemble(t)}) }()
	defer func() {
		leave()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	printed := make([]byte, 16<<10)
	n, err := in.Read(printed) // it is written in one piece
	if err != nil {
		t.Fatal(err)
	}
	text := string(printed[:n])
	settings := regexp.MustCompile(`Settings +(\S+)`).FindStringSubmatch(text)
	if settings == nil {
		t.Fatalf("no path of the settings in\n%s", text)
	}
	if _, err := os.Stat(settings[1]); err != nil {
		t.Error(err)
	}
	sections := strings.Split(text, "\n# ")[1:]
	if len(sections) != 6 {
		t.Fatalf("%d sections to paste, want 6:\n%s", len(sections), text)
	}
	for _, section := range sections {
		head, lines, _ := strings.Cut(section, "\n")
		want := 200
		if status := regexp.MustCompile(`: (\d{3})`).FindStringSubmatch(head); status != nil {
			want, _ = strconv.Atoi(status[1])
		}
		answer, err := exec.CommandContext(ctx, "sh", "-c", lines).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", lines, err)
		}
		if !strings.Contains(string(answer), fmt.Sprintf("HTTP/1.1 %d %s", want, http.StatusText(want))) {
			t.Errorf("%s\nanswered without status %d:\n%s", lines, want, answer)
		}
	}
}
