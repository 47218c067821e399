package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"postern/provisioning/config"

	"postern/provisioning/commandline"
)

// TestHash: what the command prints is taken by the configuration, and stands
// for that password.
func TestHash(t *testing.T) {
	kept := strings.TrimSpace(succeed(t, "wonder land\r\nmore", "hash"))
	if err := bcrypt.CompareHashAndPassword([]byte(kept), []byte("wonder land")); err != nil {
		t.Errorf("%s: %v", kept, err)
	}
	argon := strings.TrimSpace(succeed(t, "wonder land", "hash", "--as", "argon2id"))
	if _, err := config.ParsePasswordHash(argon); err != nil || !strings.HasPrefix(argon, "$argon2id$v=19$m=65536,t=3,p=1$") {
		t.Errorf("%s: %v", argon, err)
	}
	if again := strings.TrimSpace(succeed(t, "wonder land", "hash", "--as", "argon2id")); again == argon {
		t.Error("two hashes have the same salt")
	}
	const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := strings.TrimSpace(succeed(t, "abc\n", "hash", "--as", "sha256")); got != digest {
		t.Errorf("got %s, want %s", got, digest)
	}
	settings := filepath.Join(t.TempDir(), "postern.yaml")
	text := "users:\n- {name: alice, password: '" + kept + "'}\n- {name: bob, password: '" + argon + "'}\n" +
		"apis:\n- name: orders\n  upstream: {targets: [{url: 'http://127.0.0.1:1'}]}\n  policies: {identify: {by: [basic], applications: none}}\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := command(t, "check", "--strict", "-c", settings); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
}

func TestHashRefuses(t *testing.T) {
	for name, c := range map[string]struct{ input, want string }{
		"nothing":           {"\n", "holds no password"},
		"too long":          {strings.Repeat("a", 73), "use --as argon2id"},
		"not UTF-8":         {"\xff", "not UTF-8"},
		"control character": {"a\tb", "control character"},
		"a file":            {strings.Repeat("a", 5000), "longer than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			code := commandline.Execute(t.Context(), newRoot(), []string{"hash"}, commandline.Streams{In: strings.NewReader(c.input), Out: &out, Err: &stderr})
			if code != 1 || out.String() != "" || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d, %q, %q, want %q", code, &out, &stderr, c.want)
			}
		})
	}
}
