package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestHelp(t *testing.T) {
	code, out, stderr := command(t)
	if code != 2 || out != "" || !strings.Contains(stderr, "postern run -c postern.yaml") {
		t.Errorf("nothing: exit code %d, %q, %q", code, out, stderr)
	}
	code, out, stderr = command(t, "--help")
	if code != 0 || stderr != "" || !strings.Contains(out, "Exit codes: ") {
		t.Errorf("--help: exit code %d, %q, %q", code, out, stderr)
	}
	for _, verb := range verbs(newRoot()) {
		t.Run(verb.CommandPath(), func(t *testing.T) {
			code, out, stderr := command(t, append(strings.Fields(verb.CommandPath())[1:], "--help")...)
			if code != 0 || stderr != "" || !strings.Contains(out, "\n    ") || !strings.Contains(out, "postern ") {
				t.Errorf("exit code %d, want help with an example:\n%s%s", code, out, stderr)
			}
			for line := range strings.Lines(out) {
				if len(line) > 101 {
					t.Errorf("%d characters in %q", len(line), line)
				}
			}
		})
	}
}

// verbs are all commands, those with verbs of their own too.
func verbs(of *cobra.Command) (all []*cobra.Command) {
	for _, verb := range of.Commands() {
		if verb.IsAvailableCommand() {
			all = append(append(all, verb), verbs(verb)...)
		}
	}
	return all
}

func TestVersion(t *testing.T) {
	code, out, _ := command(t, "version")
	if code != 0 || !strings.HasPrefix(out, "postern ") || !strings.Contains(out, "go1.") {
		t.Errorf("exit code %d, %q", code, out)
	}
	code, out, _ = command(t, "version", "--json")
	var build struct{ Version, Go string }
	if err := json.Unmarshal([]byte(out), &build); code != 0 || err != nil || build.Version == "" || build.Go == "" {
		t.Errorf("exit code %d, %q, %v", code, out, err)
	}
}

// TestHealth: the probe of a container, against a gateway at work.
func TestHealth(t *testing.T) {
	path := write(t, open)
	p := start(t, path)
	if code, out, stderr := command(t, "health", "--url", p.admin); code != 0 || out != "ok\n" {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
	p.signal(t, os.Interrupt)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "health", "--url", p.admin); code != 1 || !strings.Contains(stderr, "not reachable") {
		t.Errorf("exit code %d, %q, want 1", code, stderr)
	}
}

func TestSchema(t *testing.T) {
	code, out, _ := command(t, "schema")
	var schema map[string]any
	if err := json.Unmarshal([]byte(out), &schema); code != 0 || err != nil || schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("exit code %d, %v, %.200s", code, err, out)
	}
}
