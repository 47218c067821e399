package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/provisioning/config"
	"postern/provisioning/settings"
)

// decode reads one YAML text as a whole bundle. Faults come one a line, as
// line:column message.
func decode(t *testing.T, dir, text string) (*config.Config, string) {
	t.Helper()
	src := &settings.Source{Name: "t.yaml", Dir: dir}
	docs, faults := settings.Parse(src, []byte(text))
	tree, more := settings.NewTree(docs, src)
	decoded := tree.Decode(settings.NewFiles([]string{"NAME=value"}))
	faults = append(append(faults, more...), decoded.Faults...)
	var lines []string
	for _, f := range faults {
		lines = append(lines, f.Message)
	}
	return decoded.Config, strings.Join(lines, "\n")
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]config.Duration{
		"30s": config.Duration(30 * time.Second), "1h30m": config.Duration(90 * time.Minute), "1.5s": config.Duration(1500 * time.Millisecond),
		"500ms": config.Duration(500 * time.Millisecond), "none": config.None, `"5s"`: config.Duration(5 * time.Second),
	} {
		cfg, faults := decode(t, "", "limits: {idle_timeout: "+text+"}\n")
		if got := cfg.Limits.IdleTimeout; got != want || faults != "" {
			t.Errorf("%s is %v (%s), want %v", text, got, faults, want)
		}
	}
	for _, text := range []string{"0", "0s", "5", "-1s", "1y", "1 s", "None", "[1s]", `""`, "~"} {
		if cfg, faults := decode(t, "", "limits: {idle_timeout: "+text+"}\n"); faults == "" {
			t.Errorf("%s is taken as %v", text, cfg.Limits.IdleTimeout)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{
		"1B": 1, "16KiB": 16 << 10, "4MiB": 4 << 20, "2GiB": 2 << 30, "3kB": 3000, "5MB": 5000_000, "1GB": 1000_000_000, "7 KiB": 7 << 10,
		"none": config.NoSize, "9007199254740991KiB": 9007199254740991 << 10,
	} {
		cfg, faults := decode(t, "", "limits: {body_rate: "+text+"}\n")
		if got := cfg.Limits.BodyRate; got != want || faults != "" {
			t.Errorf("%s is %d (%s), want %d", text, got, faults, want)
		}
	}
	for _, text := range []string{"0", "0B", "5", "-1B", "1.5MiB", "1kib", "KiB", "9007199254740992KiB", "99999999999999999999B", "+1B", "{a: b}"} {
		if cfg, faults := decode(t, "", "limits: {body_rate: "+text+"}\n"); faults == "" {
			t.Errorf("%s is taken as %d", text, cfg.Limits.BodyRate)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]config.Address{
		"4485": ":4485", `":80"`: ":80", "0": ":0", "127.0.0.1:80": "127.0.0.1:80", `"[::1]:80"`: "[::1]:80", "none": config.NoAddress,
	} {
		cfg, faults := decode(t, "", "ports: {http: "+text+"}\n")
		if got := cfg.Ports.HTTP; got != want || faults != "" {
			t.Errorf("%s is %q (%s), want %q", text, got, faults, want)
		}
	}
	for _, text := range []string{"65536", "-1", "localhost:80", "127.0.0.1", "::1:80:x", "80a", "[80]"} {
		if cfg, faults := decode(t, "", "ports: {http: "+text+"}\n"); faults == "" {
			t.Errorf("%s is taken as %q", text, cfg.Ports.HTTP)
		}
	}
}

func TestPrefix(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", "2001:db8::/32": "2001:db8::/32", `"::ffff:192.0.2.1"`: "192.0.2.1/32", "0.0.0.0/0": "0.0.0.0/0",
	} {
		cfg, faults := decode(t, "", "trusted_proxies: ["+text+"]\n")
		if faults != "" || cfg.TrustedProxies[0].String() != want {
			t.Errorf("%s is %v (%s), want %s", text, cfg.TrustedProxies, faults, want)
		}
	}
	for _, text := range []string{"10.0.0.1/8", "10.0.0.0/33", "example.com", "fe80::1%eth0", "::ffff:10.0.0.0/104", "010.0.0.1"} {
		if cfg, faults := decode(t, "", `trusted_proxies: ["`+text+"\"]\n"); faults == "" {
			t.Errorf("%s is taken as %v", text, cfg.TrustedProxies)
		}
	}
}

func TestSecretForms(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"lf": "value\n", "crlf": "value\r\n", "bare": "value", "two": "value\n\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"value": "value", "123": "123", `" value "`: " value ", "{env: NAME}": "value", `"{encoded}dmFsdWU="`: "value", `"{other}x"`: "{other}x",
		"{file: lf}": "value", "{file: crlf}": "value", "{file: bare}": "value", "{file: two}": "value\n", "{file: " + filepath.Join(dir, "lf") + "}": "value",
	} {
		cfg, faults := decode(t, dir, "admin_api: {password: "+text+"}\n")
		if got := cfg.AdminAPI.Password.Reveal(); got != want || faults != "" {
			t.Errorf("%s is %q (%s), want %q", text, got, faults, want)
		}
	}
}

func TestFileIsRelativeToItsBundle(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, faults := decode(t, dir, "tls: {client_ca: ./ca.pem}\n")
	if got := cfg.TLS.ClientCA; faults != "" || got.Path != filepath.Join(dir, "ca.pem") || string(got.Data) != "content" {
		t.Errorf("got %q with %q (%s)", got.Path, got.Data, faults)
	}
}

func TestAudienceForms(t *testing.T) {
	for text, want := range map[string]config.Audience{
		"unchecked":                      {Unchecked: true},
		"{any: [a]}":                     {Any: []string{"a"}},
		"{any: [a], required: true}":     {Any: []string{"a"}},
		"{any: [a, b], required: false}": {Any: []string{"a", "b"}, Optional: true},
	} {
		cfg, faults := decode(t, "", "auth_servers: [{audience: "+text+"}]\n")
		got := cfg.AuthServers[0].Audience
		if faults != "" || got.Unchecked != want.Unchecked || got.Optional != want.Optional || strings.Join(got.Any, ",") != strings.Join(want.Any, ",") {
			t.Errorf("%s is %+v (%s), want %+v", text, got, faults, want)
		}
	}
}

// A file that grew too much, or that changed its mind halfway, is still read
// once: everybody sees the same content.
func TestFilesAreReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	files := settings.NewFiles(nil)
	if _, err := files.Read(path, 10); err != nil {
		t.Fatal(err)
	}
	before := files.Hash()
	write("two")
	again, err := files.Read(path, 10)
	if string(again) != "one" || err != nil || files.Hash() != before {
		t.Errorf("read %q (%v) after a change, hash same = %t", again, err, files.Hash() == before)
	}
}
