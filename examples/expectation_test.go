package examples_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// expectation is a line of an expect.txt: what is asked, and what comes back.
type expectation struct {
	method, target string
	shown          []string // NAME of a file NAME.jwt, user:password, Field=value, or @FILE for a body
	status         int
	code           string
	fields         []string // Field=value of the answer
	texts          []string // in its body
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
		e, err := parseExpectation(strings.Fields(line))
		if err != nil {
			t.Fatalf("%s:%d: %q: %v", path, n+1, line, err)
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		t.Fatalf("%s expects nothing", path)
	}
	return all
}

func parseExpectation(words []string) (e expectation, err error) {
	if len(words) < 4 {
		return e, errors.New("method, path, credentials and status are needed")
	}
	e.method, e.target = words[0], words[1]
	if words[2] != "-" {
		e.shown = strings.Split(words[2], ",")
	}
	if e.status, err = strconv.Atoi(words[3]); err != nil {
		return e, err
	}
	for _, word := range words[4:] {
		text, contained := strings.CutPrefix(word, "~")
		switch {
		case contained:
			e.texts = append(e.texts, text)
		case strings.Contains(word, "="):
			e.fields = append(e.fields, word)
		default:
			e.code = word
		}
	}
	return e, nil
}

func (e expectation) name() string {
	return fmt.Sprintf("%s %s %s %d", e.method, strings.ReplaceAll(e.target, "/", "."), strings.ReplaceAll(strings.Join(e.shown, " "), "/", "."), e.status)
}

// play sends the request and compares the status, the problem's code, and what
// else is expected of the answer.
func (e expectation) play(t *testing.T, folder, base string) {
	request, err := http.NewRequest(e.method, base+e.target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range e.shown {
		show(t, request, folder, word)
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
	for _, field := range e.fields {
		if name, want, _ := strings.Cut(field, "="); response.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, response.Header.Get(name), want)
		}
	}
	for _, text := range e.texts {
		if !strings.Contains(strings.ReplaceAll(string(body), " ", ""), text) {
			t.Errorf("no %s in %s", text, body)
		}
	}
}

// show adds to a request what a word of expect.txt says is shown.
func show(t *testing.T, request *http.Request, folder, word string) {
	t.Helper()
	if file, is := strings.CutPrefix(word, "@"); is {
		body, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		request.Header.Set("Content-Type", mime.TypeByExtension(filepath.Ext(file)))
		return
	}
	if name, value, field := strings.Cut(word, "="); field {
		request.Header.Set(name, value)
		return
	}
	if user, password, basic := strings.Cut(word, ":"); basic {
		request.SetBasicAuth(user, password)
		return
	}
	token, err := os.ReadFile(filepath.Join(folder, word+".jwt"))
	if errors.Is(err, fs.ErrNotExist) {
		token, err = os.ReadFile(filepath.Join("quickstart", word+".jwt"))
	}
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
}
