package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"
)

// TestMicrogatewayOptions: what the options of webMethods Microgateway come to. A
// file that is not there ends each of them, after all has been looked at.
func TestMicrogatewayOptions(t *testing.T) {
	const gone = "gone.yaml: no such file or directory"
	for _, tt := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"run", "-gw", "central:5555", "-gwu", "Administrator", "-gwp", "manage"}, 1, []string{
			`command line: -gw: "url" is not supported yet`, `command line: -gwp: "password" is not supported yet`,
			`command line: -gwu: "user" is not supported yet`, gone,
		}},
		{[]string{"start", "--api_gateway", "central:5555"}, 1, []string{`command line: -gw: "url" is not supported yet`, gone}},
		{[]string{"start", "-gw=central:5555"}, 1, []string{`command line: -gw: "url" is not supported yet`, gone}},
		{[]string{"start", "-ds", "true"}, 1, []string{`command line: -ds: "download_settings" is not supported yet`, gone}},
		{[]string{"start", "-apis", "orders"}, 1, []string{`command line: -apis: "downloads" is not supported yet`, gone}},
		{[]string{"start", "-apps", "shop"}, 1, []string{`command line: -apps: "downloads" is not supported yet`, gone}},
		{[]string{"start", "-pols", "all"}, 1, []string{`command line: -pols: "downloads" is not supported yet`, gone}},
		{[]string{"start", "-gwd", "nowhere"}, 1, []string{
			"command line: -gwd: holds no users.cnf: read IntegrationServer/instances/default/config/users.cnf: no such file or directory; read config/users.cnf: no such file or directory", gone,
		}},
		{[]string{"start", "-p", "many"}, 1, []string{`command line: -p: "many" is not a port, ip:port or none`, gone}},
		{[]string{"start", "-lv", "LOUD", "-adu", "a", "-adp", "b", "-ua", "internal"}, 1, []string{gone}},
		{[]string{"start", "-ua", "both"}, 1, []string{`command line: -ua: "both" is neither internal nor delegated`, gone}},
		{[]string{"start", "-adp", "-gw"}, 1, []string{gone}}, // a value is no option
		{[]string{"start", "--", "-gw"}, 2, []string{`postern: unknown command "-gw" for "postern run"; try postern run --help`}},
		{[]string{"start", "-gw"}, 2, []string{"postern: flag needs an argument: --api_gateway; try postern run --help"}},
		{[]string{"start", "-gx", "1"}, 2, []string{"postern: unknown shorthand flag: 'g' in -gx; try postern run --help"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, _, stderr := command(t, append(tt.args[:1:1], append([]string{"-c", "gone.yaml"}, tt.args[1:]...)...)...)
			if diff := cmp.Diff(strings.Join(tt.says, "\n")+"\n", stderr); code != tt.code || diff != "" {
				t.Errorf("exit code %d, want %d (-want +got):\n%s", code, tt.code, diff)
			}
		})
	}
}

// TestMicrogateway: as webMethods Microgateway has it, all that is asked comes in
// on one port.
func TestMicrogateway(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	defer upstream.Close()
	path := write(t, strings.Replace(open, "http://127.0.0.1:9", "${orders_be}/of/${who}", 1)+"aliases: {orders_be: {type: endpoint, endPointURI: 'http://127.0.0.1:9'}, who: {value: shop}}\nfaults: {default_error_message: 'No \"$ERROR_MESSAGE\"'}\n")
	p := process{log: new(output), Cmd: exec.CommandContext(t.Context(), os.Args[0], "start", "-c", path, "-p", "127.0.0.1:0", "-adu", "op", "-adp", "secret", "-lv", "INFO")}
	p.Env = []string{"mcgw_aliases_orders_be_endPointURI=" + upstream.URL}
	p.run(t)

	get := func(path, user, password string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.traffic+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			request.SetBasicAuth(user, password)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	for _, tt := range []struct {
		path, user string
		status     int
		holds      string
	}{
		{"/rest/microgateway/status", "op", 200, `"active":true`},
		{"/rest/microgateway/assets", "op", 200, `"apiName":"orders","apiVersion":"1"`},
		{"/rest/microgateway/settings", "op", 200, `"on_traffic_port":true`},
		{"/rest/microgateway/status", "", 401, "credentials are needed"},
		{"/gateway/none", "", 404, `{"Exception":"No \"`},
		{"/gateway/orders/1/x", "", 200, "/of/shop/x"},
		{"/gateway/orders/x", "", 200, "/of/shop/x"},
	} {
		if status, body := get(tt.path, tt.user, "secret"); status != tt.status || !strings.Contains(strings.ReplaceAll(body, `": `, `":`), tt.holds) {
			t.Errorf("%s as %q: %d %.300s", tt.path, tt.user, status, body)
		}
	}

	port := p.traffic[strings.LastIndexByte(p.traffic, ':')+1:]
	for _, tt := range []struct {
		args []string
		code int
		out  string
		err  string
	}{
		{[]string{"status", "-p", port, "-adu", "op", "-adp", "secret"}, 0, "Server active\nVersion ", ""},
		{[]string{"status", "-v", "-p", port, "-adu", "op", "-adp", "secret"}, 0, `"active": true`, ""},
		{[]string{"assets", "-p", port, "-adu", "op", "-adp", "secret"}, 0, "API orders/1\n", ""},
		{[]string{"assets", "-v", "-p", port, "-adu", "op", "-adp", "secret"}, 0, `"apiName": "orders"`, ""},
		{[]string{"status", "-p", port, "-adu", "op", "-adp", "wrong"}, 1, "", "answers 401 Unauthorized"},
		{[]string{"status", "-p", "0"}, 1, "", "-p takes a free port"},
		{[]string{"status", "-p", "1"}, 1, "", "not reachable"},
	} {
		code, out, stderr := command(t, tt.args...)
		if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(stderr, tt.err) {
			t.Errorf("%v: exit code %d, %q, %q", tt.args, code, out, stderr)
		}
	}
}

// TestMicrogatewayWithoutFile: variables alone are enough, as in its container.
func TestMicrogatewayWithoutFile(t *testing.T) {
	p := process{log: new(output), Cmd: exec.CommandContext(t.Context(), os.Args[0], "run")}
	p.Dir = t.TempDir()
	p.Env = []string{"mcgw_ports_http=127.0.0.1:0", "mcgw_ports_https=127.0.0.1:0", "mcgw_admin_api_listen=127.0.0.1:0"}
	p.run(t)
	secure := p.log.await(t, `"msg":"listening","listener":"https","address":"(127\.0\.0\.1:\d+)"`)[1]
	conn, err := tls.Dial("tcp", secure, &tls.Config{InsecureSkipVerify: true}) // nobody vouches for it
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if c := conn.ConnectionState().PeerCertificates[0]; c.Subject.CommonName != "postern" || c.VerifyHostname("localhost") != nil {
		t.Errorf("the certificate is of %v", c.Subject)
	}
	response, err := http.Get(p.traffic + "/rest/microgateway/status")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 200 || !strings.Contains(string(body), `"active"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

// TestMicrogatewayStores: the https port has the key store's certificate, and
// upstreams are verified against the trust store.
func TestMicrogatewayStores(t *testing.T) {
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "trusted") }))
	defer upstream.Close()
	own := upstream.TLS.Certificates[0]
	const password = "changeit"
	keys, err := pkcs12.Modern.Encode(own.PrivateKey, upstream.Certificate(), nil, password)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{upstream.Certificate()}, password)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, strings.Replace(open, "http://127.0.0.1:9", upstream.URL, 1)+`key_store: {type: PKCS12, location: keys.p12, password: changeit}
trust_store: {type: PKCS12, location: trust.p12, password: changeit}
`)
	for name, data := range map[string][]byte{"keys.p12": keys, "trust.p12": trust} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := process{log: new(output), Cmd: exec.CommandContext(t.Context(), os.Args[0], "run", "-c", path)}
	p.Env = []string{"mcgw_ports_https=127.0.0.1:0"}
	p.run(t)
	secure := p.log.await(t, `"msg":"listening","listener":"https","address":"(127\.0\.0\.1:\d+)"`)[1]
	response, err := upstream.Client().Get("https://" + secure + "/gateway/orders/1/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "trusted" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}
