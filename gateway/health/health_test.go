package health_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/gateway/health"
)

// ask runs the command with args against a gateway that answers as it is told.
func ask(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var written bytes.Buffer
	command := health.New()
	command.SetArgs(args)
	command.SetOut(&written)
	command.SilenceErrors, command.SilenceUsage = true, true
	err = command.ExecuteContext(t.Context())
	return written.String(), err
}

func gateway(t *testing.T, ready http.HandlerFunc) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", ready)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// settings writes a file that says where the operator's listener is.
func settings(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func good(http.ResponseWriter, *http.Request) {}

func bad(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"ready":false,"reasons":["shutting down","no keys"]}`))
}

func elsewhere(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/livez", http.StatusFound)
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ready http.HandlerFunc
		flags []string
		want  string // of the error
	}{
		{name: "ready", ready: good},
		{name: "not ready", ready: bad, want: "not ready: shutting down\nnot ready: no keys"},
		{name: "alive", ready: bad, flags: []string{"--live"}},
		{name: "a redirect is no yes", ready: elsewhere, want: "302 Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := ask(t, append(tt.flags, "--url", "http://"+gateway(t, tt.ready)+"/")...)
			if tt.want == "" && (err != nil || out != "ok\n") {
				t.Errorf("%q, %v", out, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want it to hold %q", err, tt.want)
			}
		})
	}
}

// TestWhere: the address comes from the configuration, even from one with
// faults, which a running gateway has refused.
func TestWhere(t *testing.T) {
	address := gateway(t, good)
	_, port, _ := strings.Cut(address, ":")
	for _, tt := range []struct{ name, text, want string }{
		{name: "loopback", text: "admin_api: {listen: \"" + address + "\"}"},
		{name: "every address", text: "admin_api: {listen: \"0.0.0.0:" + port + "\"}"},
		{name: "every address, written as IPv6", text: "admin_api: {listen: \"[::ffff:0.0.0.0]:" + port + "\"}"},
		{name: "faults elsewhere", text: "admin_api: {listen: \"" + address + "\"}\napis: [{nmae: x}]\n"},
		{name: "free port", text: `admin_api: {listen: "127.0.0.1:0"}`, want: "--url"},
		{name: "nonsense", text: `admin_api: {listen: here}`, want: `"here" is not ip:port`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ask(t, "-c", settings(t, tt.text))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	if _, err := ask(t, "--url", server.URL); err == nil || !strings.Contains(err.Error(), "not reachable") {
		t.Errorf("error %v", err)
	}
}
