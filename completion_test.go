package main

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// complete asks a shell what may follow in a directory with the files
// other.yaml and "with space.yaml" and the directory keys.
func complete(t *testing.T, shell, script string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := exec.CommandContext(t.Context(), shell, append([]string{"-c", succeed(t, "", "completion", shell) + script, shell}, args...)...)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "HOME="+c.Dir)
	for _, name := range []string{"other.yaml", "with space.yaml"} {
		if err := os.WriteFile(c.Dir+"/"+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(c.Dir+"/keys", 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	slices.Sort(lines)
	return lines
}

var completions = []struct {
	line string // what comes before the last space is complete
	want []string
}{
	{"postern to", []string{"token"}},
	{"postern token ", []string{"decode", "sign", "verify"}},
	{"postern token sign --alg ES", []string{"ES256", "ES384", "ES512"}},
	{"postern token sign --subj", []string{"--subject"}},
	{"postern token sign --subject ", nil},
	{"postern token sign --key token --aud", []string{"--audience"}},
	{"postern run -c ot", []string{"other.yaml"}},
	{"postern run --config with", []string{"with space.yaml"}},
	{"postern check --s", []string{"--strict"}},
	{"postern keys --bi", []string{"--bits"}},
	{"postern keys --out ", []string{"keys"}},
	{"postern keys jwks ot", []string{"other.yaml"}},
	{"postern completion ", []string{"bash", "fish", "zsh"}},
}

func TestCompletionBash(t *testing.T) {
	script := `
complete -p postern >/dev/null || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_postern
printf '%s\n' "${COMPREPLY[@]}"
`
	for _, tt := range completions {
		t.Run(tt.line, func(t *testing.T) {
			got := complete(t, "bash", script, strings.Split(tt.line, " ")...)
			got = slices.DeleteFunc(got, func(word string) bool { return strings.HasPrefix(word, "-") && strings.HasSuffix(tt.line, " ") })
			if diff := cmp.Diff(tt.want, got, sameWhenEmpty); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	// bash splits --flag=value.
	got := complete(t, "bash", script, "postern", "token", "sign", "--alg", "=", "ES2")
	if diff := cmp.Diff([]string{"ES256"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = complete(t, "bash", script, "postern", "run", "--config", "=")
	if diff := cmp.Diff([]string{"keys", "other.yaml", "with space.yaml"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var sameWhenEmpty = cmp.Transformer("empty", func(words []string) []string { return append([]string{}, words...) })

func TestCompletionFish(t *testing.T) {
	for _, tt := range completions {
		t.Run(tt.line, func(t *testing.T) {
			var got []string
			for _, line := range complete(t, "fish", "\ncomplete -C "+strconv.Quote(tt.line)+"\n") {
				word, _, _ := strings.Cut(line, "\t")
				got = append(got, strings.TrimSuffix(strings.ReplaceAll(word, `\ `, " "), "/"))
			}
			if diff := cmp.Diff(tt.want, got, sameWhenEmpty); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCompletionZsh: without a terminal zsh completes nothing, so what the
// script asks of it is answered here.
func TestCompletionZsh(t *testing.T) {
	stubs := `
compdef() { }
compset() { }
compadd() { print -l -- "$@" }
_files() { [[ $1 == -/ ]] && print -l -- *(/) || print -l -- * }
_describe() { [[ $1 == -o ]] && shift; for one in ${(P)2}; do print -r -- ${one%%:*}; done }
words=("$@")
CURRENT=$#
_postern
true
`
	for _, tt := range completions {
		t.Run(tt.line, func(t *testing.T) {
			args := strings.Split(tt.line, " ")
			last := args[len(args)-1]
			got := complete(t, "zsh", stubs, args...)
			got = slices.DeleteFunc(got, func(word string) bool {
				return !strings.HasPrefix(word, last) || strings.HasPrefix(word, "-") && !strings.HasPrefix(last, "-")
			})
			if diff := cmp.Diff(tt.want, got, sameWhenEmpty); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompletionOfNothing(t *testing.T) {
	if code, _, stderr := command(t, "completion", "tcsh"); code != 2 || !strings.Contains(stderr, "bash") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
