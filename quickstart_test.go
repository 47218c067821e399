package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestFiveMinutes plays the first page of the README in an empty directory.
func TestFiveMinutes(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "## Five minutes\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	settings := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(chapter)
	keys := regexp.MustCompile(`(?m)^postern (keys.*?) +#`).FindStringSubmatch(chapter)
	sign := regexp.MustCompile(`(?m)^TOKEN=\$\(postern (.*)\)$`).FindStringSubmatch(chapter)
	asked := regexp.MustCompile(`127\.0\.0\.1:4485(/\S+)`).FindStringSubmatch(chapter)
	if settings == nil || keys == nil || sign == nil || asked == nil {
		t.Fatalf("the chapter has not what a reader needs:\n%s", chapter)
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", r.Header.Get("X-User"))
	}))
	defer service.Close()

	t.Chdir(t.TempDir())
	t.Setenv("POSTERN_PORTS_HTTP", "127.0.0.1:0") // the README's may be taken
	t.Setenv("POSTERN_ADMIN_API_LISTEN", "127.0.0.1:0")
	succeed(t, "", strings.Fields(keys[1])...)
	if err := os.WriteFile("postern.yaml", []byte(strings.Replace(settings[1], "http://127.0.0.1:8080", service.URL, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "postern.yaml")
	token := strings.TrimSpace(succeed(t, "", strings.Fields(sign[1])...))
	if status, body := get(t, p.traffic+asked[1]); status != http.StatusUnauthorized {
		t.Errorf("without a token: status %d, %s", status, body)
	}
	if status, body := getWith(t, p.traffic+asked[1], token); status != http.StatusOK || body != "/ alice" {
		t.Errorf("with a token: status %d, %s", status, body)
	}
	p.log.await(t, `"code":"token_missing"`)
	lookAround(t, p, asked[1], sign[1])
}

// lookAround plays what the chapter says to try next.
func lookAround(t *testing.T, p process, path, sign string) {
	t.Helper()
	signed := func(args string) string { return strings.TrimSpace(succeed(t, "", strings.Fields(args)...)) }
	first := signed(sign)
	stranger := signed(strings.Replace(sign, "--audience orders", "--audience invoices", 1))
	if status, body := getWith(t, p.traffic+path, stranger); status != http.StatusUnauthorized || !strings.Contains(body, "invalid_token") {
		t.Errorf("for another audience: status %d, %s", status, body)
	}
	p.log.await(t, `"reason":"token is for another audience"`)
	if told := succeed(t, first, "explain", "--api", "orders", "--token-file", "-"); !strings.Contains(told, "would be forwarded") {
		t.Errorf("explain says %s", told)
	}

	succeed(t, "", "keys", "--force")
	p.log.await(t, `"generation":2`)
	if status, body := getWith(t, p.traffic+path, first); status != http.StatusUnauthorized {
		t.Errorf("with a token of the old key: status %d, %s", status, body)
	}

	settings, err := os.ReadFile("postern.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("postern.yaml", []byte(strings.Replace(string(settings), "policies", "polices", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.log.await(t, `configuration refused.*postern.yaml:\d+:\d+: .*did you mean`)
	if status, body := getWith(t, p.traffic+path, signed(sign)); status != http.StatusOK {
		t.Errorf("with a mistake in the file: status %d, %s", status, body)
	}
}

func getWith(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
