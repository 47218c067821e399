package examples_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postern/gateway"
	"postern/provisioning"
)

// scrape is what a running gateway says of itself.
type scrape struct {
	text   string
	kind   map[string]string                     // of a family
	help   map[string]string                     // of a family
	series map[string]map[string]map[string]bool // values of labels, by the series' name and the label's
}

var (
	metadata = regexp.MustCompile(`^# (HELP|TYPE) (\w+) ?(.*)$`)
	sample   = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? \S+$`)
	labelled = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
)

func readScrape(t *testing.T, text string) scrape {
	s := scrape{text, map[string]string{}, map[string]string{}, map[string]map[string]map[string]bool{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := metadata.FindStringSubmatch(line); m != nil {
			map[string]map[string]string{"HELP": s.help, "TYPE": s.kind}[m[1]][m[2]] = m[3]
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a line of a scrape: %q", line)
		}
		if s.series[m[1]] == nil {
			s.series[m[1]] = map[string]map[string]bool{}
		}
		for _, l := range labelled.FindAllStringSubmatch(m[2], -1) {
			if s.series[m[1]][l[1]] == nil {
				s.series[m[1]][l[1]] = map[string]bool{}
			}
			s.series[m[1]][l[1]][l[2]] = true
		}
	}
	return s
}

// everything is a configuration with all that metrics tell of.
const everything = `
ports: {http: "127.0.0.1:0", https: "127.0.0.1:0"}
tls: {certificates: [{certificate: server.crt, key: server.key}]}
admin_api: {listen: "127.0.0.1:0", user: prometheus, password: secret}
store: {redis: {address: "127.0.0.1:9"}}
auth_servers:
- {name: corp, issuer: https://idp.example.com, local_introspection: {jwks_uri: "%s"}, audience: unchecked}
apis:
- {name: open, version: "1.0", upstream: {targets: [{url: "%s"}]}, policies: {identify: none, invocationlog: [{}], cache: {}, compression: {}, throttle: [{requests: 100, per: 1s}], concurrency: {max: 100}, route: {rules: [{name: all}]}}}
- {name: closed, version: "1.0", upstream: {targets: [{url: "%[2]s"}]}, policies: {identify: {by: [jwt], applications: none}}}
- {name: users, version: "1.0", upstream: {targets: [{url: "%[2]s"}]}, policies: {identify: {by: [basic], applications: none}, validate: {request: {required_headers: {headers: [{name: Authorization}]}}}, mask: {fault: [{json_path: $.trace}]}}}
users: [{name: alice, password: secret}]
`

// scrapeGateway runs a gateway that has everything, lets it serve, and scrapes it.
func scrapeGateway(t *testing.T) scrape {
	t.Helper()
	files, dir := newKeyFiles(t), t.TempDir()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			maps.Copy(w.Header(), http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Accept": {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}})
			w.WriteHeader(http.StatusSwitchingProtocols)
			return
		}
		w.Write(files.set)
	}))
	t.Cleanup(service.Close)
	for name, content := range map[string][]byte{
		"server.crt": files.certificate, "server.key": files.private,
		"postern.yaml": fmt.Appendf(nil, everything, service.URL+"/keys", service.URL),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{dir}, Strict: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(zap.NewNop(), gateway.Version("1.2.3"))
	if err := g.Apply(loaded.Config); err != nil {
		t.Fatal(err)
	}
	base := serve(t, g)
	for path, want := range map[string]int{"/gateway/open/1.0/": 200, "/gateway/closed/1.0/": 401, "/nowhere": 404} {
		if status, body := fetch(t, base+path, "Bearer nonsense"); status != want {
			t.Fatalf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	openTunnel(t, base+"/gateway/open/1.0/")
	// A request is counted after its answer has been read, a tunnel once it has
	// ended, and keys come by themselves.
	for end := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		status, text := fetch(t, "http://"+g.Addrs().Admin.String()+"/metrics", "Basic cHJvbWV0aGV1czpzZWNyZXQ=")
		s := readScrape(t, text)
		if status == 200 && len(s.series["postern_requests_total"]["api"]) == 3 && s.series["postern_key_set_age_seconds"] != nil && s.series["postern_tunnels_ended_total"] != nil {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("not all is counted: %d\n%s", status, text)
		}
	}
}

// openTunnel opens a WebSocket and leaves it.
func openTunnel(t *testing.T, address string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}})
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %s, want a 101", response.Status)
	}
}

// fetch reads a page with an Authorization.
func fetch(t *testing.T, address, authorization string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
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

// TestMetricsPage compares the page that lists the metrics with a scrape, both
// ways.
func TestMetricsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "gateway/metrics/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)^\\| `postern_.*$").FindAllString(string(text), -1)
	s := scrapeGateway(t)
	var want []string
	for name, kind := range s.kind {
		if !strings.HasPrefix(name, "postern_") {
			continue
		}
		labels := s.series[name]
		if kind == "histogram" {
			labels = s.series[name+"_sum"]
		}
		names := strings.Join(slices.Sorted(maps.Keys(labels)), ", ")
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |", name, kind, names, s.help[name]))
	}
	slices.Sort(want)
	slices.Sort(shown)
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("metrics (-scraped +README.md):\n%s", diff)
	}
	for outcome := range s.series["postern_tokens_total"]["outcome"] {
		if !strings.Contains(string(text), "`"+outcome+"`") {
			t.Errorf("README.md does not name the outcome %s", outcome)
		}
	}
}
