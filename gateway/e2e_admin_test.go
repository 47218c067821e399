package gateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The pages of the admin listener, whole where they do not change by the second.
func TestAdminPages(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, everySecond(i.URL+"/keys")))
	wantStatus(t, d.do(ask(key.sign(t, claims(i.URL, nil)))), 200)
	get := func(path string) string {
		p := dial(t, d.admin)
		defer p.Close()
		return steady(p.do("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
	}
	page := func(kind, body string) string {
		return lines("HTTP/1.1 200 OK", "Content-Type: "+kind, fmt.Sprintf("Content-Length: %d", len(body)), "Cache-Control: no-store", "X-Content-Type-Options: nosniff") + body
	}
	if diff := cmp.Diff(page("text/plain; charset=utf-8", "ok"), get("/livez")); diff != "" {
		t.Errorf("livez (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(page("application/json", `{"ready":true}`+"\n"), get("/readyz")); diff != "" {
		t.Errorf("readyz (-want +got):\n%s", diff)
	}
	assets := `{"apis":[{"apiName":"orders","apiVersion":"1.0","resources":[{"path":"/orders","methods":["GET","POST"]},` +
		`{"path":"/orders/{id}","methods":["DELETE"]},{"path":"/staff","methods":["GET"]}],"scopes":["writing"]}],` +
		`"authserver":[{"name":"corp","issuer":"` + i.URL + `"}]}` + "\n"
	if diff := cmp.Diff(page("application/json", assets), get("/rest/microgateway/assets")); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}

	var status struct {
		Active      bool
		Version     string
		Connections int
		Reload      struct {
			Success    bool
			Generation int
		}
		AuthServers []struct {
			Name   string
			Usable bool
			Keys   []struct{ ID string }
		} `json:"auth_servers"`
		APIs []struct {
			Name, Version string
			BasePath      string `json:"base_path"`
			Upstream      []string
			Policies      []string
		}
	}
	if err := json.Unmarshal([]byte(payload(get("/rest/microgateway/status"))), &status); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", status)
	want := fmt.Sprintf("{Active:true Version:v1 Connections:%d Reload:{Success:true Generation:1} AuthServers:[{Name:corp Usable:true Keys:[{ID:k1}]}] "+
		"APIs:[{Name:orders Version:1.0 BasePath:/gateway/orders/1.0 Upstream:[http://%s/shop] Policies:[identify authorize]}]}", status.Connections, u.address)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	var settings struct {
		Ports  struct{ HTTP string }
		Limits struct {
			HeaderSize int    `json:"header_size"`
			Idle       string `json:"idle_timeout"`
		}
	}
	if err := json.Unmarshal([]byte(payload(get("/rest/microgateway/settings"))), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.Ports.HTTP != "127.0.0.1:0" || settings.Limits.HeaderSize != 16<<10 || settings.Limits.Idle != "1m0s" {
		t.Errorf("settings %+v", settings)
	}
	for _, series := range []string{`postern_requests_total{api="orders/1.0",code="2xx"}`, `postern_upstream_attempts_total{api="orders/1.0"}`, `postern_tokens_total{outcome="accepted"}`} {
		eventually(t, series, func() bool { return d.metric(series) == "1" })
	}
	if answer := get("/elsewhere"); !strings.HasPrefix(answer, "HTTP/1.1 404 ") {
		t.Errorf("elsewhere: %q", answer)
	}
}

// With a user, only probes are public; on the traffic ports a stranger learns
// names, or nothing.
func TestWhoMaySeeWhat(t *testing.T) {
	u := newTarget(t, always(ok))
	text := func(admin string) string {
		return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0", admin_path: /ops%s}
apis: [{name: a, version: "1", base_path: /, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}]
`, admin, u.address)
	}
	const user, traffic = ", user: op, password: pw", ", on_traffic_port: true"
	for _, tt := range []struct {
		name, admin, credentials string
		onAdmin, onTraffic       map[string]int
	}{
		{"open", "", "", map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/ops/status": 200, "/ops/settings": 200, "/ops/assets": 200, "/": 200, "/ops": 404}, nil},
		{"no credentials", user, "", map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 401, "/ops/status": 401, "/ops/settings": 401, "/ops/assets": 401, "/": 401}, nil},
		{"credentials", user, "op:pw", map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/ops/status": 200, "/ops/settings": 200, "/": 200}, nil},
		{"wrong password", user, "op:pww", map[string]int{"/livez": 200, "/metrics": 401, "/ops/status": 401}, nil},
		{"wrong user", user, "opp:pw", map[string]int{"/metrics": 401}, nil},
		{"traffic port, without a user", traffic, "", map[string]int{"/ops/status": 200}, map[string]int{"/ops/status": 200, "/ops/assets": 200, "/ops/settings": 404}},
		{"traffic port, no credentials", user + traffic, "", nil, map[string]int{"/ops/status": 401, "/ops/settings": 401, "/%6fps/status": 401}},
		{"traffic port, credentials", user + traffic, "op:pw", nil, map[string]int{"/ops/status": 200, "/ops/settings": 200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t, t.TempDir(), text(tt.admin))
			for path, want := range tt.onAdmin {
				if code, body := d.get(path, tt.credentials); code != want {
					t.Errorf("%s: %d %s, want %d", path, code, body, want)
				}
			}
			for path, want := range tt.onTraffic {
				answer := d.do(lines("GET "+path+" HTTP/1.1", "Host: h", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(tt.credentials))))
				wantStatus(t, answer, want)
				if tt.credentials == "" && (strings.Contains(answer, u.address) || strings.Contains(answer, "connections")) {
					t.Errorf("a stranger learns of the inside: %q", answer)
				}
			}
			if len(tt.onTraffic) == 0 {
				wantStatus(t, d.do(lines("GET /ops/status HTTP/1.1", "Host: h")), 200) // the API's own
				if !strings.HasPrefix(u.next(), "GET /ops/status ") {
					t.Error("the upstream was not asked")
				}
			}
		})
	}
}

// closedPort is an address where nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
