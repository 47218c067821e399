package gateway

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postern/provisioning"
	"postern/provisioning/config"
)

// leveled says something else at each level.
const leveled = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
policies:
- {name: writers, when: {methods: [POST]}, policies: {validate: {request: {required_headers: {headers: [{name: X-Writer}]}}}}}
apis:
- name: orders
  definition: {file: orders.yaml}
  upstream: {targets: [{url: "http://TARGET"}]}
  resources:
  - {path: /orders, methods: [GET, POST], scopes: [strict]}
  - {path: "/orders/{id}", methods: [GET, DELETE]}
  scopes: [{name: strict, policies: {validate: {request: {query: true, unknown_query: refuse}}}}]
  policies: {identify: none, validate: {request: {schema: true, path: true}}}
`

func withOrders(t *testing.T, text string) (*deployment, *target) {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "orders.yaml"), ordersDefinition)
	u := newTarget(t, answersInFields)
	return deploy(t, dir, strings.ReplaceAll(text, "TARGET", u.address)), u
}

// Every level adds its own, outermost first.
func TestValidateLevels(t *testing.T) {
	d, u := withOrders(t, leveled)
	const good, bad = `{"item":"a","qty":1}`, `{"item":"a","qty":0}`
	post := func(path, body string, more ...string) string {
		head := append([]string{"POST /gateway/orders" + path + " HTTP/1.1", "Host: h", "X-Request-Id: r-1", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}, more...)
		return lines(head...) + body
	}
	get := func(path string) string {
		return lines("GET /gateway/orders"+path+" HTTP/1.1", "Host: h", "X-Request-Id: r-1")
	}
	for _, tt := range []struct{ name, request, want string }{
		{"all hold", post("/orders", good, "X-Writer: me"), ""},
		{"that of several APIs", post("/orders?x=1", bad), invalidRequest(fault("header", "/X-Writer", "is missing"))},
		{"the API's", post("/orders?x=1", bad, "X-Writer: me"), invalidRequest(fault("body", "/qty", "must be at least 1"))},
		{"the scope's", post("/orders?x=1", good, "X-Writer: me"), invalidRequest(fault("query", "/x", "is not known here"))},
		{"another resource", get("/orders/7?x=1"), ""},
		{"another resource, the API's", get("/orders/seven?x=1"), invalidRequest(fault("path", "/id", "must be integer"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := steady(d.do(tt.request))
			if tt.want == "" {
				wantStatus(t, got, 200)
				u.next()
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	line := d.accessLine("r-1")
	if line == nil {
		t.Fatal("no line")
	}
	if _, shown := d.get("/rest/microgateway/status", ""); !strings.Contains(shown, `"validate"`) {
		t.Errorf("the status does not name the policy: %s", shown)
	}
	_, settings := d.get("/rest/microgateway/settings", "")
	if !strings.Contains(settings, `"unknown_query": "refuse"`) && !strings.Contains(settings, `"unknown_query":"refuse"`) || strings.Contains(settings, "X-Tenant") {
		t.Errorf("settings: %s", settings)
	}
}

// What is hidden is compared as it came: requests before they are masked, answers
// too.
func TestValidateSeesNoMask(t *testing.T) {
	const masked = `mask: {request: [{json_path: $.qty, with: hidden}], response: [{json_path: $.qty, with: hidden}]}`
	d, u := withOrders(t, strings.Replace(leveled, "validate: {request: {schema: true, path: true}}",
		"validate: {request: {schema: true}, response: {schema: true}}, "+masked, 1))
	const good, bad = `{"item":"a","qty":1}`, `{"item":"a","qty":0}`
	ask := func(answer string) string {
		return d.do(lines("GET /gateway/orders/orders/7 HTTP/1.1", "Host: h", "X-Type: application/json", "X-Body: "+answer))
	}
	if got := ask(good); status(got) != 200 || payload(got) != `{"item":"a","qty":"hidden"}` {
		t.Errorf("a good answer: %q", got)
	}
	wantStatus(t, ask(bad), 502)
	u.next()
	u.next()
	post := func(body string) string {
		return d.do(lines("POST /gateway/orders/orders HTTP/1.1", "Host: h", "X-Writer: me", "X-Status: 201 Created", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))) + body)
	}
	wantStatus(t, post(good), 201)
	if sent := payload(u.next()); sent != `{"item":"a","qty":"hidden"}` {
		t.Errorf("the target was sent %q", sent)
	}
	wantStatus(t, post(bad), 400)
}

// The log tells why, and callers are told all; a definition is taken over while
// requests run, and refused when it is at fault.
func TestValidateReload(t *testing.T) {
	d, u := withOrders(t, leveled)
	request := lines("GET /gateway/orders/orders?limit=500 HTTP/1.1", "Host: h", "X-Request-Id: r-1")
	refused := func() bool { return status(d.do(request)) == 400 }
	if wantStatus(t, d.do(request), 400); d.accessLine("r-1")["reason"] != "query /limit: must be at most 100" {
		t.Errorf("line %v", d.accessLine("r-1"))
	}
	_, before := d.get("/rest/microgateway/status", "")
	wider := strings.Replace(ordersDefinition, "maximum: 100", "maximum: 1000", 1)
	d.applied(func() { d.write("orders.yaml", wider) })
	wantStatus(t, d.do(request), 200)
	u.next()
	if _, after := d.get("/rest/microgateway/status", ""); hashIn(t, before) == hashIn(t, after) {
		t.Error("the hash of the configuration is the same")
	}
	d.refused(func() { d.write("orders.yaml", strings.Replace(wider, "maximum: 1000", "maximum: many", 1)) })
	if refused() {
		t.Error("a definition at fault is at work")
	}
	u.next()
	if !strings.Contains(d.log.String(), `orders.yaml#/paths/~1orders/get/parameters/0/schema/maximum: must be a number`) {
		t.Errorf("log: %s", d.log.String())
	}
	d.applied(func() {
		d.write("orders.yaml", strings.Replace(wider, "{type: integer, maximum: 1000}", `{$ref: "parts.json#/limit"}`, 1))
		d.write("parts.json", `{"limit": {"type": "integer", "maximum": 10}}`)
	})
	if !refused() {
		t.Error("a file beside is not at work")
	}
	d.applied(func() { d.write("parts.json", `{"limit": {"type": "integer", "maximum": 1000}}`) })
	if refused() {
		t.Error("a file beside is not watched")
	}
	u.next()
}

func hashIn(t *testing.T, status string) string {
	t.Helper()
	_, after, found := strings.Cut(status, `"hash"`)
	if !found {
		t.Fatal(status)
	}
	return after[:80]
}

// What is wrong with a definition, and what it lacks, is told with the line of
// the configuration.
func TestValidateFaultsAreLocated(t *testing.T) {
	for _, tt := range []struct{ name, text, definition, want string }{
		{
			"at fault", leveled, strings.Replace(ordersDefinition, `"^t[0-9]+$"`, `"(?!t)"`, 1),
			`postern.yaml:8:22: apis[0].definition.file: orders.yaml#/paths/~1orders/get/parameters/1/schema/pattern: pattern "(?!t" is not supported: RE2 has no lookaround`,
		},
		{
			"a resource", strings.Replace(leveled, "path: /orders,", "path: /order,", 1), ordersDefinition,
			`postern.yaml:11:12: apis[0].resources[0].path: the definition has no path that fits`,
		},
		{
			"a method", strings.Replace(leveled, "[GET, DELETE]", "[GET, PUT]", 1), ordersDefinition,
			`postern.yaml:12:43: apis[0].resources[1].methods[1]: the definition has no PUT here`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "orders.yaml"), tt.definition)
			put(t, filepath.Join(dir, "postern.yaml"), strings.ReplaceAll(tt.text, "TARGET", "127.0.0.1:9"))
			loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{filepath.Join(dir, "postern.yaml")}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = New(zap.NewNop()).Check(loaded.Config)
			var faults config.Faults
			if !errors.As(err, &faults) {
				t.Fatal(err)
			}
			if got := loaded.Locate(faults).Error(); strings.TrimPrefix(got, dir+"/") != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Many at once are judged by the same definition.
func TestValidateAtOnce(t *testing.T) {
	d, u := withOrders(t, leveled)
	go func() {
		for range u.seen {
			continue // nobody looks at what was forwarded
		}
	}()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			p := dial(t, d.http)
			defer p.Close()
			for n := range 50 {
				body := fmt.Sprintf(`{"item":"a","qty":%d}`, n%2)
				got := p.do(lines("POST /gateway/orders/orders HTTP/1.1", "Host: h", "X-Writer: me", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))) + body)
				if want := 400 - 200*(n%2); status(got) != want {
					t.Errorf("caller %d: %s, want %d", i, got, want)
				}
			}
		})
	}
	all.Wait()
}

// An API may have the paths of its definition and no others: whoever asks for
// another one is told so before anybody is asked who calls.
func TestResourcesOfADefinition(t *testing.T) {
	d, u := withOrders(t, `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- {name: corp, issuer: i, local_introspection: {shared_key: "a key that is long enough for HS256, surely"}, audience: unchecked}
apis:
- name: open
  definition: {file: orders.yaml, resources: true}
  upstream: {targets: [{url: "http://TARGET"}]}
  policies: {identify: none}
- name: closed
  definition: {file: orders.yaml, resources: true}
  upstream: {targets: [{url: "http://TARGET"}]}
  policies: {identify: {by: [jwt], applications: none}}
`)
	for _, tt := range []struct {
		request string
		want    int
	}{
		{"GET /gateway/open/orders", 200},
		{"HEAD /gateway/open/orders", 200},
		{"DELETE /gateway/open/orders/7", 200},
		{"PUT /gateway/open/orders", 405},
		{"GET /gateway/open/invoices", 404},
		{"GET /gateway/closed/orders/7", 401},
		{"PUT /gateway/closed/orders/7", 405},
		{"GET /gateway/closed/invoices", 404},
	} {
		got := d.do(tt.request + " HTTP/1.1\r\nHost: h\r\n\r\n")
		if status(got) != tt.want {
			t.Errorf("%s: %s", tt.request, got)
		} else if tt.want == 200 {
			u.next()
		}
	}
	d.applied(func() { d.write("orders.yaml", strings.Replace(ordersDefinition, "  /orders:\n", "  /invoices:\n", 1)) })
	wantStatus(t, d.do("GET /gateway/open/invoices HTTP/1.1\r\nHost: h\r\n\r\n"), 200)
	u.next()
	wantStatus(t, d.do("GET /gateway/open/orders HTTP/1.1\r\nHost: h\r\n\r\n"), 404)
}
