package gateway

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shared are limits at each level of an API; windows are longer than a test.
const shared = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {level: debug}
policies:
- {name: everything, policies: {throttle: [{name: address, requests: 1000, per: 24h, by: ip}]}}
apis:
- name: orders
  upstream: {targets: [{url: "http://TARGET"}]}
  resources: [{path: /a}, {path: /plain}, {path: /costly, scopes: [costly]}]
  scopes: [{name: costly, policies: {throttle: [{requests: 1, per: 24h, by: "header:X-Tenant", alert: {message: a costly one, level: error}}]}}]
  policies:
    identify: none
    throttle: [{name: load, requests: 5, per: 24h, alert: {}}]
- name: quiet
  upstream: {targets: [{url: "http://TARGET"}]}
  policies: {identify: none, throttle: [{requests: 1, per: calendar_month, headers: false}]}
`

// rest is how many seconds of a window are left.
var rest = regexp.MustCompile(`;t=863\d\d|;t=86400|Retry-After: (863\d\d|86400)`)

func withoutRest(answer string) string {
	return rest.ReplaceAllStringFunc(steady(answer), func(s string) string { return s[:strings.IndexAny(s, "= ")+1] + "REST" })
}

// Raw request in, whole raw answer out: what passes, with what the upstream says
// of its own limits, and what does not.
func TestThrottleEndToEnd(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRateLimit: \"up\";r=7;t=3\r\n\r\nok"))
	d := deploy(t, t.TempDir(), strings.ReplaceAll(shared, "TARGET", u.address))
	ask := func(path, tenant string) string {
		return withoutRest(d.do(lines("GET "+path+" HTTP/1.1", "Host: x", "X-Request-Id: r", "X-Tenant: "+tenant, "Connection: close")))
	}
	refusal := func(detail string) string {
		return `{"type":"urn:postern:problem:too_many_requests","title":"There have been too many requests","status":429,"detail":"` + detail +
			`","instance":"urn:postern:request:r","code":"too_many_requests"}` + "\n"
	}
	refused := func(more, body string) string {
		return "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nContent-Length: " + fmt.Sprint(len(body)) +
			"\r\nCache-Control: no-store\r\nX-Request-Id: r\r\n" + more + "Retry-After: REST\r\nConnection: close\r\n\r\n" + body
	}
	const answered = "HTTP/1.1 200 OK\r\nRateLimit: \"up\";r=7;t=3\r\nX-Request-Id: r\r\n"
	const tail = "Content-Length: 2\r\nConnection: close\r\n\r\nok"
	for i, tt := range []struct{ path, tenant, want string }{
		{"/gateway/orders/a", "t", answered + "RateLimit-Policy: \"address\";q=1000;w=86400, \"load\";q=5;w=86400\r\nRateLimit: \"address\";r=999;t=REST, \"load\";r=4;t=REST\r\n" + tail},
		{"/gateway/orders/costly", "t", answered + "RateLimit-Policy: \"address\";q=1000;w=86400, \"load\";q=5;w=86400, \"scope-1-rule-1\";q=1;w=86400\r\n" +
			"RateLimit: \"address\";r=998;t=REST, \"load\";r=3;t=REST, \"scope-1-rule-1\";r=0;t=REST\r\n" + tail},
		{"/gateway/orders/costly", "t", refused("Ratelimit-Policy: \"address\";q=1000;w=86400, \"load\";q=5;w=86400, \"scope-1-rule-1\";q=1;w=86400\r\n"+
			"Ratelimit: \"address\";r=997;t=REST, \"load\";r=2;t=REST, \"scope-1-rule-1\";r=0;t=REST\r\n", refusal("at most one request per 24h"))},
		{"/gateway/quiet/x", "t", answered + "RateLimit-Policy: \"address\";q=1000;w=86400\r\nRateLimit: \"address\";r=996;t=REST\r\n" + tail},
		{"/gateway/nowhere", "t", "HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: 158\r\nCache-Control: no-store\r\nX-Request-Id: r\r\nConnection: close\r\n\r\n" +
			`{"type":"urn:postern:problem:not_found","title":"There is nothing here","status":404,"instance":"urn:postern:request:r","code":"not_found"}` + "\n"},
	} {
		got := ask(tt.path, tt.tenant)
		if tt.path == "/gateway/nowhere" {
			got = regexp.MustCompile(`Content-Length: \d+`).ReplaceAllString(got, "Content-Length: 158")
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i, diff)
		}
	}
	wantStatus(t, ask("/gateway/orders/costly", "u"), 200)
	wantStatus(t, ask("/gateway/orders/costly", "u"), 429)
	wantStatus(t, ask("/gateway/orders/costly", "u"), 429) // the API's own is reached
	if line := d.accessLine("r"); line["api"] != "orders" {
		t.Errorf("%v", line)
	}
	checkAlerts(t, d)
	for series, want := range map[string]string{
		`postern_throttled_total{api="orders",rule="scope-1-rule-1"}`:       "2",
		`postern_throttled_total{api="orders",rule="load"}`:                 "1",
		`postern_throttled_total{api="orders",rule="address"}`:              "0",
		`postern_throttle_alerts_total{api="orders",rule="scope-1-rule-1"}`: "2",
		`postern_throttle_keys{api="",rule="address"}`:                      "1",
		`postern_throttle_keys{api="orders",rule="scope-1-rule-1"}`:         "2",
		`postern_throttle_evictions_total{api="orders",rule="load"}`:        "0",
	} {
		if got := d.metric(series); got != want {
			t.Errorf("%s is %q, want %s", series, got, want)
		}
	}
	if code, body := d.get("/rest/microgateway/status", ""); code != 200 || !strings.Contains(body, `"policies":["throttle"]`) {
		t.Errorf("status %d: %s", code, body)
	}
	if code, body := d.get("/rest/microgateway/settings", ""); code != 200 || !strings.Contains(body, `"per":"calendar_month"`) || !strings.Contains(body, `"by":["header:X-Tenant"]`) {
		t.Errorf("settings %d: %s", code, body)
	}
}

// checkAlerts finds an alert for each tenant that was refused, and one of the
// whole API.
func checkAlerts(t *testing.T, d *deployment) {
	t.Helper()
	var alerts []map[string]any
	for line := range strings.Lines(d.log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["logger"] == "throttle" {
			delete(fields, "ts")
			delete(fields, "reset")
			alerts = append(alerts, fields)
		}
	}
	one := map[string]any{"level": "error", "logger": "throttle", "msg": "a costly one", "id": "r", "api": "orders", "rule": "scope-1-rule-1", "application": ""}
	whole := map[string]any{"level": "warn", "logger": "throttle", "msg": "limit is reached", "id": "r", "api": "orders", "rule": "load", "application": ""}
	if diff := cmp.Diff([]map[string]any{one, one, whole}, alerts); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// A reload keeps the counters of rules that count the same, wherever they stand,
// and forgets the others.
func TestThrottleOverReloads(t *testing.T) {
	u := newTarget(t, always(ok))
	text := func(rules string) string {
		return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- {name: orders, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none, throttle: [%s]}}
`, u.address, rules)
	}
	d := deploy(t, t.TempDir(), text("{name: a, requests: 2, per: 24h}"))
	ask := func(want int) {
		t.Helper()
		wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: x", "Connection: close")), want)
	}
	ask(200)
	d.applied(func() {
		d.write("postern.yaml", text("{name: b, requests: 50, per: 1h}, {name: a, requests: 3, per: 24h, alert: {}}"))
	})
	ask(200)
	ask(200)
	ask(429)
	throttled := `postern_throttled_total{api="orders",rule="a"}`
	if got := d.metric(throttled); got != "1" {
		t.Errorf("%s refused", got)
	}
	d.applied(func() { d.write("postern.yaml", text("{name: a, requests: 1, per: 12h}")) })
	ask(200)
	ask(429)
	if got := d.metric(throttled); got != "2" {
		t.Errorf("%s refused", got)
	}
	d.applied(func() { d.write("postern.yaml", text("{name: c, requests: 1, per: 12h}")) })
	if got := d.metric(throttled); got != "" {
		t.Errorf("a rule that is gone still has %s", got)
	}
}
