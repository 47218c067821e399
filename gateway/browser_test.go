package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// browser is Chromium with a page open, driven by admin/pagetest/drive.mjs.
type browser struct {
	t       testing.TB
	ask     io.Writer
	answers *bufio.Scanner
}

// view is how a page is opened.
type view struct {
	Do       string `json:"do"`
	URL      string `json:"url"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Scheme   string `json:"scheme"` // light | dark
	Touch    bool   `json:"touch"`
	Axe      bool   `json:"axe"`   // with the accessibility checker in it
	Clock    bool   `json:"clock"` // time passes when the test says so
}

// command is something to do on the open page.
type command struct {
	Do       string  `json:"do"`
	Selector string  `json:"selector,omitempty"`
	Text     *string `json:"text,omitempty"`
	Scheme   string  `json:"scheme,omitempty"`
	Path     string  `json:"path,omitempty"`
	Width    int     `json:"width,omitempty"`
	Height   int     `json:"height,omitempty"`
}

// openBrowser starts Chromium until the test ends.
func openBrowser(t testing.TB) *browser {
	t.Helper()
	chromium := program(t, "chromium")
	node := program(t, "node")
	dir := installed(t, "admin/pagetest")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	process := exec.CommandContext(ctx, node, "drive.mjs", chromium)
	process.Dir, process.Stderr, process.WaitDelay = dir, os.Stderr, 10*time.Second
	process.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // it closes the browser and ends
		if err := process.Wait(); err != nil {
			t.Errorf("browser: %v", err)
		}
		cancel()
	})
	b := &browser{t: t, ask: in, answers: bufio.NewScanner(out)}
	b.answers.Buffer(nil, 16<<20)
	return b
}

// program finds what the test needs; where everything must be tested it is there.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

// installed is a copy of a folder of ours with the packages of its lock file.
func installed(t testing.TB, folder string) string {
	t.Helper()
	npm, dir := program(t, "npm"), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.FromSlash(folder))); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// do has a command carried out and reads its answer into value, if that is not
// nil.
func (b *browser) do(command, value any) {
	b.t.Helper()
	text, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.ask.Write(append(text, '\n')); err != nil {
		b.t.Fatal(err)
	}
	if !b.answers.Scan() {
		b.t.Fatalf("the browser is gone: %v", b.answers.Err())
	}
	answer := struct {
		Value any
		Error string
	}{Value: value}
	if err := json.Unmarshal(b.answers.Bytes(), &answer); err != nil {
		b.t.Fatal(err)
	}
	if answer.Error != "" {
		b.t.Fatalf("%s: %s", text, answer.Error)
	}
}

func (b *browser) open(v view) {
	b.t.Helper()
	v.Do = "open"
	b.do(v, nil)
}

// sees waits until an element that selector finds shows text.
func (b *browser) sees(selector, text string) {
	b.t.Helper()
	b.do(command{Do: "sees", Selector: selector, Text: &text}, nil)
}

// misses waits until none does.
func (b *browser) misses(selector, text string) {
	b.t.Helper()
	b.do(command{Do: "misses", Selector: selector, Text: &text}, nil)
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(command{Do: "click", Selector: selector}, nil)
}

// enter fills a field, or chooses an option.
func (b *browser) enter(do, selector, text string) {
	b.t.Helper()
	b.do(command{Do: do, Selector: selector, Text: &text}, nil)
}

// press presses a key.
func (b *browser) press(key string) {
	b.t.Helper()
	b.do(command{Do: "press", Text: &key}, nil)
}

// evaluate reads a value out of the page.
func (b *browser) evaluate(expression string, value any) {
	b.t.Helper()
	b.do(command{Do: "evaluate", Text: &expression}, value)
}

// none fails the test for each finding of a check: complaints or axe.
func (b *browser) none(check string) {
	b.t.Helper()
	var found []string
	b.do(command{Do: check}, &found)
	for _, one := range found {
		b.t.Errorf("%s: %s", check, one)
	}
}
