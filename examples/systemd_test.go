package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// needs finds the program that a test runs; CI must have it.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return ""
}

// TestSystemdUnit has systemd read the unit, with a program in the place of
// Postern's, and rate it.
func TestSystemdUnit(t *testing.T) {
	analyze := needs(t, "systemd-analyze")
	text, err := os.ReadFile(filepath.Join("systemd", "postern.service"))
	if err != nil {
		t.Fatal(err)
	}
	installed := strings.ReplaceAll(string(text), "/usr/local/bin/postern", os.Args[0])
	verify := func(text string, args ...string) (string, error) {
		path := filepath.Join(t.TempDir(), "postern.service")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, append(args, path)...).CombinedOutput()
		return string(out), err
	}
	if out, err := verify(installed, "verify", "--man=no"); err != nil || strings.Contains(out, "postern.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, _ := verify(strings.Replace(installed, "ProtectHome=", "ProtectHouse=", 1), "verify", "--man=no"); !strings.Contains(out, "ProtectHouse") {
		t.Errorf("a misspelt key is not seen: %s", out)
	}
	// 2.0 of 10 is what systemd calls OK.
	if out, err := verify(installed, "security", "--offline=true", "--threshold=20"); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
