package provisioning_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"postern/provisioning"
	"postern/provisioning/config"
)

// workIn writes files below a new directory, which becomes the working one.
func workIn(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func load(environ []string, paths ...string) (*provisioning.Loaded, error) {
	return provisioning.Load(provisioning.Sources{Paths: paths, Environ: environ}, nil)
}

// wantReport compares a whole report, one issue a line.
func wantReport(t *testing.T, err error, want ...string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func api(name string) string {
	return fmt.Sprintf("apis:\n- name: %s\n  upstream: {targets: [{url: http://%s}]}\n  policies: {identify: none}\n", name, name)
}

func server(name string) string {
	return fmt.Sprintf("auth_servers:\n- name: %s\n  issuer: %s\n  audience: unchecked\n  local_introspection: {jwks_uri: https://%s/certs}\n", name, name, name)
}

func TestDirectory(t *testing.T) {
	workIn(t, map[string]string{
		"conf/20-b.yml": api("b"), "conf/10-a.yaml": api("a"),
		"conf/.hidden.yaml": "broken: [", "conf/notes.txt": "broken: [", "conf/below/c.yaml": "broken: [",
		"more.yaml": api("c") + "logging: {level: debug}\n",
	})
	loaded, err := load(nil, "conf", "more.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range loaded.Config.APIs {
		names = append(names, a.Name)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(names, want) {
		t.Errorf("APIs %v, want %v", names, want)
	}
	var files []string
	for _, file := range loaded.Files {
		cwd, _ := os.Getwd()
		rel, err := filepath.Rel(cwd, file)
		if err != nil || !filepath.IsAbs(file) {
			t.Errorf("file %q is not absolute (%v)", file, err)
		}
		files = append(files, rel)
	}
	if want := []string{"conf", "conf/10-a.yaml", "conf/20-b.yml", "more.yaml"}; !slices.Equal(files, want) {
		t.Errorf("files %v, want %v", files, want)
	}
}

func TestSeveralFiles(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		want  []string
	}{
		"the same scalar twice": {
			map[string]string{"a.yaml": "limits: {connections: 5}\n", "b.yaml": "limits:\n  connections: 5\n"},
			[]string{"b.yaml:2:16: limits.connections: stands twice (see a.yaml:1:23)"},
		},
		"the same list twice": {
			map[string]string{"a.yaml": "trusted_proxies: [10.0.0.0/8]\n", "b.yaml": "trusted_proxies: [192.0.2.0/24]\n"},
			[]string{"b.yaml:1:18: trusted_proxies: stands twice (see a.yaml:1:18)"},
		},
		"mappings are merged": {
			map[string]string{"a.yaml": "limits: {connections: 5}\n", "b.yaml": "limits: {header_size: 2KiB}\n"}, nil,
		},
		"the same API twice": {
			map[string]string{"a.yaml": api("a"), "b.yaml": "# second\n" + api("a")},
			[]string{`b.yaml:3:9: apis[0].name: API "a" version "" stands twice (see a.yaml:2:9)`},
		},
		"the same auth server twice": {
			map[string]string{"a.yaml": server("a"), "b.yaml": server("a")},
			[]string{
				`b.yaml:2:9: auth_servers[0].name: "a" stands twice (see a.yaml:2:9)`,
				`b.yaml:3:11: auth_servers[0].issuer: auth server "a" has the same issuer, so a token would belong to two (see a.yaml:3:11)`,
			},
		},
		"faults of all files, sorted; what one of them lacks is not judged": {
			map[string]string{"a.yaml": "limits: {conections: 5}\n" + api("a"), "b.yaml": "ports: {http: x}\nlimits: [", "c.yaml": "ports: {http: x}\napis:\n- name: c\n"},
			[]string{
				`a.yaml:1:10: limits.conections: unknown field "conections"; did you mean "connections"?`,
				`b.yaml:3:1: not YAML: did not find expected node content`,
				`c.yaml:1:15: ports.http: "x" is not a port, ip:port or none`,
			},
		},
		"a list where another file has something else": {
			map[string]string{"a.yaml": "apis: none\n", "b.yaml": api("b")},
			[]string{"a.yaml:1:7: apis: must be a list, [a, b] or lines that begin with -, is text", "b.yaml:2:1: apis: stands twice (see a.yaml:1:7)"},
		},
		"indexes count within a file": {
			map[string]string{"a.yaml": api("a"), "b.yaml": "apis:\n- name: b\n  hosts: [a b]\n  upstream: {targets: [{url: http://b}]}\n  policies: {identify: none}\n"},
			[]string{`b.yaml:3:11: apis[0].hosts[0]: "a b" is not a host name, nor *. before one`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			workIn(t, test.files)
			_, err := load(nil, ".")
			wantReport(t, err, test.want...)
		})
	}
}

func TestSourcesThatAreNotThere(t *testing.T) {
	workIn(t, map[string]string{"empty/readme.txt": "", "a.yaml": api("a")})
	loaded, err := load(nil, "gone.yaml", "empty", "a.yaml")
	wantReport(t, err,
		"empty: the directory holds no *.yaml or *.yml file",
		"gone.yaml: no such file or directory")
	if len(loaded.Files) != 3 || loaded.Hash == "" {
		t.Errorf("beside the error: files %v, hash %q; all three sources were looked for", loaded.Files, loaded.Hash)
	}
	if loaded.Config != nil {
		t.Error("a faulty load still has a Config")
	}
	_, err = load(nil)
	wantReport(t, err, "postern: no configuration is named, and neither postern.yaml nor /etc/postern is there: name a file or a directory with -c")
}

func TestDefaultPaths(t *testing.T) {
	workIn(t, map[string]string{"postern.yaml": api("a")})
	if got := provisioning.DefaultPaths(); !slices.Equal(got, []string{"postern.yaml"}) {
		t.Errorf("DefaultPaths() = %v beside a postern.yaml", got)
	}
}

// The hash changes with everything that was read, and with nothing else.
func TestHash(t *testing.T) {
	files := map[string]string{
		"a.yaml": server("a") + "admin_api: {user: admin, password: {env: PASSWORD}}\ntls: {client_ca: ca.pem}\n", "ca.pem": "one", "other": "one",
	}
	workIn(t, files)
	environ := []string{"PASSWORD=one", "OTHER=one"}
	hash := func(environ []string) string {
		loaded, _ := load(environ, "a.yaml")
		return loaded.Hash
	}
	first := hash(environ)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		name    string
		do      func()
		environ []string
		same    bool
	}{
		{"nothing", func() {}, environ, true},
		{"a file that is not named", func() { write("other", "two") }, environ, true},
		{"a variable that is not named", func() {}, []string{"PASSWORD=one", "OTHER=two"}, true},
		{"a variable that is named", func() {}, []string{"PASSWORD=two", "OTHER=one"}, false},
		{"a variable that is a setting", func() {}, append(slices.Clip(environ), "mcgw_logging_level=debug"), false},
		{"a file that is named", func() { write("ca.pem", "two") }, environ, false},
		{"a file that is named and gone", func() { _ = os.Remove("ca.pem") }, environ, false},
		{"the bundle", func() { write("ca.pem", "one"); write("a.yaml", files["a.yaml"]+"#\n") }, environ, false},
		{"everything as it was", func() { write("a.yaml", files["a.yaml"]) }, environ, true},
	}
	for _, step := range steps {
		step.do()
		if got := hash(step.environ); (got == first) != step.same {
			t.Errorf("after changing %s: hash same = %t, want %t", step.name, got == first, step.same)
		}
	}
}

func TestRestartOnly(t *testing.T) {
	workIn(t, map[string]string{
		"old.yaml": "limits: {connections: 7}\n",
		"new.yaml": "ports: {http: 8080}\nadmin_api: {listen: 127.0.0.1:1}\nlimits: {header_size: 1KiB}\nlogging: {level: debug}\n",
	})
	running, err := load(nil, "old.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = provisioning.Load(provisioning.Sources{Paths: []string{"new.yaml"}}, running.Config)
	wantReport(t, err,
		"new.yaml:1:15: ports.http: fixed while running; restart to change it",
		"new.yaml:2:21: admin_api.listen: fixed while running; restart to change it",
		"new.yaml:3:9: limits.connections: fixed while running; restart to change it",
		"new.yaml:3:23: limits.header_size: fixed while running; restart to change it")
}

func TestWarnings(t *testing.T) {
	workIn(t, map[string]string{"a.yaml": "admin_api: {on_traffic_port: true}\n"})
	loaded, err := load(nil, "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := "a.yaml:1:30: admin_api.on_traffic_port: warning: without a user every caller can see the status and the names of the APIs"
	if got := loaded.Warnings.Error(); got != want {
		t.Errorf("warnings %q, want %q", got, want)
	}
	_, err = provisioning.Load(provisioning.Sources{Paths: []string{"a.yaml"}, Strict: true}, nil)
	if wantReport(t, err, want); err == nil {
		t.Error("a strict load took a warning")
	}
}

// Locate gives a place to what building a gateway found.
func TestLocate(t *testing.T) {
	workIn(t, map[string]string{"a.yaml": api("a"), "b.yaml": api("b")})
	loaded, err := load(nil, "a.yaml", "b.yaml")
	if err != nil {
		t.Fatal(err)
	}
	report := loaded.Locate(config.Faults{
		{Path: []any{"tls", "certificates", 0, "key"}, Message: "does not match"},
		{Path: []any{"apis", 1, "upstream", "tls", "ca"}, Message: "holds no certificate"},
		{Path: []any{"apis", 0, "name"}, Message: "clashes", Also: []any{"apis", 1, "name"}},
	})
	wantReport(t, report,
		"a.yaml:1:1: tls.certificates[0].key: does not match",
		"a.yaml:2:9: apis[0].name: clashes (see b.yaml:2:9)",
		"b.yaml:3:13: apis[0].upstream.tls.ca: holds no certificate")
	text, err := json.Marshal(report[1])
	if want := `{"file":"a.yaml","line":2,"column":9,"path":"apis[0].name","message":"clashes (see b.yaml:2:9)"}`; err != nil || string(text) != want {
		t.Errorf("as JSON %s (%v), want %s", text, err, want)
	}
}

// A pipe would block for ever, a device would fill the memory.
func TestOnlyBoundedFilesAreRead(t *testing.T) {
	workIn(t, map[string]string{
		"pipe.yaml":  "admin_api: {user: a, password: {file: /dev/zero}}\n",
		"large.yaml": "admin_api: {user: a, password: {file: large}}\n",
		"large":      strings.Repeat("x", 1<<20+1),
	})
	_, err := load(nil, "pipe.yaml")
	wantReport(t, err, `pipe.yaml:1:39: admin_api.password.file: read "/dev/zero": not a regular file`)
	_, err = load(nil, "large.yaml")
	wantReport(t, err, `large.yaml:1:39: admin_api.password.file: read "large": larger than 1048576 bytes`)
}

// Whoever forgets the quotes around a secret is told so, without the secret.
func TestReportsNeverRepeatASecret(t *testing.T) {
	for _, form := range []string{
		"!" + marker, "*" + marker, "{" + marker + "}", "{" + marker + ": x}", "{env: HOME, " + marker + ": x}", "[" + marker + "]",
		"%" + marker, "@" + marker, "\"" + marker, marker + ": x", "{encoded}" + marker, "\"{encoded}" + marker + "!\"", "!!int " + marker,
	} {
		workIn(t, map[string]string{"a.yaml": "admin_api:\n  user: a\n  password: " + form + "\napis: 1\n"})
		_, err := load(nil, "a.yaml")
		if err == nil || strings.Contains(err.Error(), marker) {
			t.Errorf("password: %s: reported as %v", form, err)
		}
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	workIn(t, map[string]string{"conf/a.yaml": "admin_api: {user: admin, password: {file: secret}}\n", "conf/secret": marker + "\n"})
	loaded, err := load(nil, "conf/a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded.Config.AdminAPI.Password.Reveal(); got != marker {
		t.Fatalf("password %q; the line's end does not belong to it", got)
	}
	asJSON, err := json.Marshal(loaded.Config)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Dump(loaded.Config)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		"%v": fmt.Sprintf("%v", loaded.Config), "%+v": fmt.Sprintf("%+v", *loaded.Config), "%#v": fmt.Sprintf("%#v", *loaded.Config),
		"%s": fmt.Sprintf("%s", loaded.Config.AdminAPI.Password), "%q": fmt.Sprintf("%q", loaded.Config.AdminAPI.Password), "%x": fmt.Sprintf("%x", loaded.Config.AdminAPI.Password),
		"json": string(asJSON), "yaml": string(asYAML),
	} {
		if strings.Contains(text, marker) || !strings.Contains(text, "***") {
			t.Errorf("%s prints the secret, or no *** at all: %s", form, text)
		}
	}
}

func TestReportIsAnError(t *testing.T) {
	workIn(t, map[string]string{"a.yaml": "weather: sunny\n"})
	_, err := load(nil, "a.yaml")
	var report provisioning.Report
	if !errors.As(fmt.Errorf("load: %w", err), &report) || len(report) != 1 {
		t.Fatalf("%v is no Report of one issue", err)
	}
}
