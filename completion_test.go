package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestCompletion: what the scripts of all shells ask the program.
func TestCompletion(t *testing.T) {
	for line, want := range map[string][]string{
		"to":                             {"token"},
		"token ":                         {"decode", "sign", "verify"},
		"token sign --alg ES":            {"ES256", "ES384", "ES512"},
		"token sign --subj":              {"--subject"},
		"token sign --key token --aud":   {"--audience"},
		"token sign --key ":              nil, // files, as the shell has them
		"check --s":                      {"--strict"},
		"keys --bi":                      {"--bits"},
		"hash --as a":                    {"argon2id"},
		"completion ":                    {"bash", "fish", "powershell", "zsh"},
		"token verify --issuer x --jwks": {"--jwks", "--jwks-uri"},
	} {
		t.Run(line, func(t *testing.T) {
			var got []string
			for offered := range strings.Lines(succeed(t, "", append([]string{"__complete"}, strings.Split(line, " ")...)...)) {
				word, _, _ := strings.Cut(strings.TrimSpace(offered), "\t")
				if word != "" && word[0] != ':' && strings.HasPrefix(word, line[strings.LastIndex(line, " ")+1:]) { // as shells filter
					got = append(got, word)
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCompletionScripts: the shells can read what is printed for them.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "fish", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			c := exec.CommandContext(t.Context(), shell, "-n")
			c.Stdin = strings.NewReader(succeed(t, "", "completion", shell))
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if code, _, stderr := command(t, "completion", "tcsh"); code != 2 || !strings.Contains(stderr, "bash") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
