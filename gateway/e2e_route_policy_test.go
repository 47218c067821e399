package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// named is an upstream whose answers say which one it is.
func named(t *testing.T, name string) *target {
	return newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: "+fmt.Sprint(len(name))+"\r\nX-Target: "+name+"\r\n\r\n"+name))
}

// routedTo is the YAML of an API with rules; their targets stand for OWN, A and B.
func routedTo(rules string, own, a, b *target) string {
	text := strings.Replace(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
trusted_proxies: ["127.0.0.1/32"]
limits: {buffered_body: 1KiB, body_memory: 64KiB}
users: [{name: Administrator, password: manage-it-all}, {name: alice, password: wonderland-1}]
applications:
- {name: shop, id: 039778fc-dd3b-442b-a799-181a9dda1265, apis: [orders], identify: {basic: [{user: alice}], api_keys: [key-of-the-shop-1]}}
- {name: other, apis: [orders], identify: {basic: [{user: Administrator}], api_keys: [key-of-the-other]}}
apis:
- name: orders
  upstream: {targets: [{url: "http://OWN/own"}]}
  policies:
    identify: {by: [basic, api_key]}
    route:
      rules:
RULES
`, "RULES", rules, 1)
	return strings.NewReplacer("OWN", own.address, "ADDRESS-A", a.address, "ADDRESS-B", b.address).Replace(text)
}

// Every parameter of contentBasedRouting, contextBasedRouting,
// straightThroughRouting and customHttpHeaders changes where a request goes, or
// how it arrives.
func TestRouteParameters(t *testing.T) {
	own, a, b := named(t, "own"), named(t, "a"), named(t, "b")
	const alice, admin = "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x", "Authorization: Basic QWRtaW5pc3RyYXRvcjptYW5hZ2UtaXQtYWxs"
	const shop, other = "X-Gateway-APIKey: key-of-the-shop-1", "X-Gateway-APIKey: key-of-the-other"
	to := func(rest string) string {
		return "      - {name: one, " + rest + `, upstream: {targets: [{url: "http://ADDRESS-A/v2/"}]}}`
	}
	when := func(conditions string) string { return to("when: {" + conditions + "}") }
	get := func(fields ...string) string {
		return lines(append([]string{"GET /gateway/orders/x/y?q=1&t=2 HTTP/1.1", "Host: h"}, fields...)...)
	}
	post := func(body string, fields ...string) string {
		return lines(append([]string{"POST /gateway/orders/x/y HTTP/1.1", "Host: h", fmt.Sprintf("Content-Length: %d", len(body))}, fields...)...) + body
	}
	js, xml := "Content-Type: application/json", "Content-Type: application/xml"
	for _, tt := range []struct{ name, rules, takes, leaves string }{
		{"Consumer, by id", when(`any: [{application: [039778fc-dd3b-442b-a799-181a9dda1265]}]`), get(shop), get(other)},
		{"Consumer, by name", when(`any: [{application: [shop]}]`), get(shop), get(other)},
		{"predefined USER EQ", when(`any: [{user: [Administrator]}]`), get(admin), get(alice)},
		{"predefined USER NE", when(`none: [{user: [Administrator]}]`), get(alice), get(admin)},
		{"IPV4", when(`any: [{address: [10.60.0.1-10.60.0.10]}]`), get(shop, "X-Forwarded-For: 10.60.0.10"), get(shop, "X-Forwarded-For: 10.60.0.11")},
		{"IPV6", when(`any: [{address: ["2001:db8::1-2001:db8::f"]}]`), get(shop, "X-Forwarded-For: 2001:db8::f"), get(shop, "X-Forwarded-For: 2001:db8::10")},
		{"Date LT", when(`all: [{date: {before: "2126-04-20"}}, {method: [GET]}]`), get(shop), post("", shop)},
		{"Date LT, over", when(`any: [{date: {before: 2020-04-20}}, {method: [POST]}]`), post("", shop), get(shop)},
		{"Date GT", when(`all: [{date: {after: 2020-04-20}}, {method: [GET]}]`), get(shop), post("", shop)},
		{"Date EQ", when(`any: [{date: {on: 2020-04-20}}, {method: [POST]}]`), post("", shop), get(shop)},
		{"Date NE", when(`none: [{date: {on: 2020-04-20}}, {method: [POST]}]`), get(shop), post("", shop)},
		{"contextConditionOperator or", when(`any: [{application: [shop]}, {user: [Administrator]}]`), get(admin), get(other)},
		{"contextConditionOperator and", when(`all: [{application: [other]}, {user: [Administrator]}]`), get(admin), get(other)},
		{"INBOUND_HTTP_METHOD", when(`any: [{method: [POST]}]`), post("", shop), get(shop)},
		{"transformationCondition equals", when(`all: [{header: {name: X-A, equals: "1"}}]`), get(shop, "x-a: 1"), get(shop, "X-A: 2")},
		{"transformationCondition equalsIgnoreCase", when(`all: [{header: {name: X-A, equals_ignore_case: One}}]`), get(shop, "X-A: oNE"), get(shop, "X-A: 2")},
		{"transformationCondition exists", when(`all: [{query: {name: q}}]`), get(shop), post("", shop)},
		{"transformationCondition on a parameter", when(`all: [{query: {name: q, equals: "1"}}]`), get(shop), strings.Replace(get(shop), "q=1", "q=2", 1)},
		{"payloadIdentifier jsonPath", when(`all: [{payload: {json_path: $.isSSLEnabled, equals: "true"}}]`), post(`{"isSSLEnabled":true}`, shop, js), post(`{"isSSLEnabled":false}`, shop, js)},
		{"payloadIdentifier jsonPath, found", when(`all: [{payload: {json_path: "$.a[?@.b > 1].b"}}]`), post(`{"a":[{"b":2}]}`, shop, js), post(`{"a":[{"b":1}]}`, shop, js)},
		{"payloadIdentifier xpath", when(`all: [{payload: {xpath: "/o:order/o:to", namespaces: {o: "urn:o"}, equals: acme}}]`), post(`<order xmlns="urn:o"><to>acme</to></order>`, shop, xml), post(`<order><to>acme</to></order>`, shop, xml)},
		{"payloadIdentifier regex", when(`all: [{payload: {regex: "to=(.*);", equals: acme}}]`), post("to=acme;", shop), post("to=other;", shop)},
		{"content that is none", when(`all: [{payload: {json_path: $.a}}]`), post(`{"a":1}`, shop, js), post(`{"a":`, shop, js)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t, t.TempDir(), routedTo(tt.rules, own, a, b))
			for _, one := range []struct{ request, want string }{{tt.takes, "a"}, {tt.leaves, "own"}} {
				if got := field(d.do(one.request), "X-Target"); got != one.want {
					t.Errorf("answered by %q, want %q: %s", got, one.want, one.request)
				}
			}
		})
	}
}

// What arrives at the targets of rules, whole.
func TestRouteFromOutside(t *testing.T) {
	own, a, b := named(t, "own"), named(t, "a"), named(t, "b")
	d := deploy(t, t.TempDir(), routedTo(`
      - name: fixed
        when: {all: [{header: {name: X-Way, equals: fixed}}]}
        upstream: {targets: [{url: "http://ADDRESS-A/fixed/"}], host: fixed.example}
        path: drop
        query: drop
        set_query: {tenant: X}
        method: PUT
        headers: {X-Set: "${request.application.name} ${request.headers.X-Way}"}
      - name: canary
        when: {all: [{share: {part: 1, by: "header:X-Session"}}]}
        upstream: {targets: [{url: "http://ADDRESS-B"}]}
      - {name: rest, headers: {Accept: application/json}}`, own, a, b))
	const key = "X-Gateway-APIKey: key-of-the-shop-1"
	for _, tt := range []struct {
		name    string
		at      *target
		request []string
		want    []string
	}{
		{"fixed", a, []string{"GET /gateway/orders/x?a=b HTTP/1.1", "Host: h", "X-Request-Id: fixed", key, "X-Way: fixed", "X_Set: evil"}, []string{
			"PUT /fixed?tenant=X HTTP/1.1", "Host: fixed.example",
			"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: h", "X-Request-Id: fixed", "X-Way: fixed", "X-Set: shop fixed", "Via: 1.1 postern",
		}},
		{"canary", b, []string{"GET /gateway/orders/x?a=b HTTP/1.1", "Host: h", "X-Request-Id: canary", key, "X-Session: 7"}, []string{
			"GET /x?a=b HTTP/1.1", "Host: " + b.address,
			"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: h", "X-Request-Id: canary", "X-Session: 7", "Via: 1.1 postern",
		}},
		{"rest", own, []string{"GET /gateway/orders/x?a=b HTTP/1.1", "Host: h", "X-Request-Id: rest", key, "Accept: text/html"}, []string{
			"GET /own/x?a=b HTTP/1.1", "Host: " + own.address,
			"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: h", "X-Request-Id: rest", "Accept: application/json", "Via: 1.1 postern",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := field(steady(d.do(lines(tt.request...))), "Content-Length")
			if want := fmt.Sprint(len(map[string]string{"fixed": "a", "canary": "b", "rest": "own"}[tt.name])); n != want {
				t.Errorf("Content-Length %q, want %s", n, want)
			}
			if diff := cmp.Diff(lines(tt.want...), tt.at.next()); diff != "" {
				t.Errorf("request at the target (-want +got):\n%s", diff)
			}
			if line := d.accessLine(tt.name); line["rule"] != tt.name || line["upstream"] != "http://"+tt.at.address {
				t.Errorf("access line %v", line)
			}
			if got := d.metric(`postern_routed_total{api="orders",rule="` + tt.name + `"}`); got != "1" {
				t.Errorf("counted %q", got)
			}
		})
	}
	for _, series := range []string{
		`postern_upstream_target_attempts_total{api="orders",target="http://` + own.address + `/own"}`,
		`postern_upstream_target_attempts_total{api="orders",rule="fixed",target="http://` + a.address + `/fixed"}`,
		`postern_upstream_target_attempts_total{api="orders",rule="canary",target="http://` + b.address + `"}`,
	} {
		if got := d.metric(series); got != "1" {
			t.Errorf("%s is %q", series, got)
		}
	}
	_, status := d.get("/rest/microgateway/status", "")
	if !strings.Contains(status, `"route"`) || !strings.Contains(status, `"rule": "canary"`) && !strings.Contains(status, `"rule":"canary"`) {
		t.Errorf("status: %s", status)
	}
	want := "HTTP/1.1 200 OK\r\nX-Target: own\r\nX-Request-Id: whole\r\nContent-Length: 3\r\n\r\nown"
	if got := steady(d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Request-Id: whole", key))); got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
}

// No rule is a way around a policy, no field leads to an address of its own, and
// what is not proved decides nothing.
func TestRouteAttacks(t *testing.T) {
	own, a, b := named(t, "own"), named(t, "a"), named(t, "b")
	d := deploy(t, t.TempDir(), routedTo(`
      - {name: user, when: {any: [{user: [Administrator]}]}, upstream: {targets: [{url: "http://ADDRESS-A"}]}}
      - {name: big, when: {all: [{method: [POST]}, {payload: {json_path: $.a}}]}, upstream: {targets: [{url: "http://ADDRESS-B"}]}}
      - name: header
        when: {all: [{header: {name: X-Way}}]}
        upstream: {targets: [{url: "http://ADDRESS-B"}]}
        headers: {X-Way: "${request.headers.X-Way}"}`, own, a, b))
	const key, form = "X-Gateway-APIKey: key-of-the-shop-1", "Content-Type: application/json"
	for _, tt := range []struct {
		name    string
		request string
		status  int
		target  string
	}{
		{"nobody", lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Way: b"), 401, ""},
		{"a wrong password of the user", lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "Authorization: Basic QWRtaW5pc3RyYXRvcjp3cm9uZw=="), 401, ""},
		{"a user in a field", lines("GET /gateway/orders/x HTTP/1.1", "Host: h", key, "X-User: Administrator"), 200, "own"},
		{"a twin of the field", lines("GET /gateway/orders/x HTTP/1.1", "Host: h", key, "X_Way: b"), 200, "own"},
		{"another host", lines("GET /gateway/orders/x HTTP/1.1", "Host: "+a.address, key), 200, "own"},
		{"an address in the field", lines("GET /gateway/orders/x HTTP/1.1", "Host: h", key, "X-Way: http://"+a.address), 200, "b"},
		{"a host in the path", lines("GET /gateway/orders//"+a.address+"/x HTTP/1.1", "Host: h", key), 200, "own"},
		{"user information in the path", lines("GET /gateway/orders/@"+a.address+"/x HTTP/1.1", "Host: h", key), 200, "own"},
		{"a body that is too long", lines("POST /gateway/orders/x HTTP/1.1", "Host: h", key, form, "Content-Length: 2000") + repeat('a', 2000), 413, ""},
		{"a body that is too long, in chunks", lines("POST /gateway/orders/x HTTP/1.1", "Host: h", key, form, "Transfer-Encoding: chunked") + "7d0\r\n" + repeat('a', 2000) + "\r\n0\r\n\r\n", 413, ""},
		{"a body that is nested", lines("POST /gateway/orders/x HTTP/1.1", "Host: h", key, form, "Content-Length: 1000") + repeat('[', 1000), 200, "own"},
		{"a body that is not looked into", lines("PUT /gateway/orders/x HTTP/1.1", "Host: h", key, form, "Content-Length: 2000") + repeat('a', 2000), 200, "own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := d.do(tt.request)
			if wantStatus(t, answer, tt.status); field(answer, "X-Target") != tt.target {
				t.Errorf("answered by %q, want %q", field(answer, "X-Target"), tt.target)
			}
		})
	}
	if len(a.seen) != 0 {
		t.Errorf("the administrator's target was asked: %q", a.next())
	}
}

// A scope's rules stand in place of the API's, and those in place of global ones.
func TestRouteLevels(t *testing.T) {
	own, a, b := named(t, "own"), named(t, "a"), named(t, "b")
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
policies:
- {name: everywhere, policies: {route: {rules: [{name: global, upstream: {targets: [{url: "http://%[2]s"}]}}]}}}
apis:
- name: orders
  upstream: {targets: [{url: "http://%[1]s"}]}
  resources: [{path: /api}, {path: /scope, scopes: [s]}]
  scopes: [{name: s, policies: {route: {rules: [{name: scoped, upstream: {targets: [{url: "http://%[3]s"}]}}]}}}]
  policies: {identify: none, route: {rules: [{name: own}]}}
- {name: first, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none}}
- {name: second, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none}}
`, own.address, a.address, b.address))
	for path, want := range map[string]string{"/orders/api": "own", "/orders/scope": "b", "/first/x": "a", "/second/x": "a"} {
		if got := field(d.do(lines("GET /gateway"+path+" HTTP/1.1", "Host: h")), "X-Target"); got != want {
			t.Errorf("%s: answered by %q, want %q", path, got, want)
		}
	}
	for _, api := range []string{"first", "second"} {
		if got := d.metric(`postern_routed_total{api="` + api + `",rule="global"}`); got != "1" {
			t.Errorf("%s: counted %q", api, got)
		}
	}
}

// Retries stay among the targets of a rule, tunnels go where it says, and a
// reload keeps the connections of rules that are unchanged.
func TestRouteUpstreams(t *testing.T) {
	own, b := named(t, "own"), named(t, "b")
	failing := newTarget(t, func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			u.seen <- request
			if strings.Contains(request, "Upgrade: chat") {
				p.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
				return
			}
			p.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}
	})
	const rules = `
      - {name: kept, when: {all: [{header: {name: X-Kept}}]}, upstream: {targets: [{url: "http://ADDRESS-B"}]}}
      - name: failing
        when: {all: [{header: {name: X-Failing}}]}
        upstream: {targets: [{url: "http://ADDRESS-A"}], retry: {attempts: 3, on: [503], budget: 1}, upgrade: {protocols: [chat]}}`
	d := deploy(t, t.TempDir(), routedTo(rules, own, failing, b))
	const key = "X-Gateway-APIKey: key-of-the-shop-1"
	wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Request-Id: tried", key, "X-Failing: 1")), 503)
	if line := d.accessLine("tried"); fmt.Sprint(line["attempts"]) != "3" || line["upstream"] != "http://"+failing.address {
		t.Errorf("access line %v", line)
	}
	wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", key, "X-Failing: 1", "Connection: upgrade", "Upgrade: chat")), 101)
	kept := func() {
		t.Helper()
		wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", key, "X-Kept: 1")), 200)
		b.next()
	}
	kept()
	eventually(t, "idle connection", func() bool {
		return d.metric(`postern_upstream_target_connections_open{api="orders",rule="kept",target="http://`+b.address+`"}`) == "1"
	})
	d.applied(func() {
		d.write("postern.yaml", routedTo(strings.Replace(rules, "attempts: 3", "attempts: 2", 1), own, failing, b))
	})
	kept()
	if got := d.metric(`postern_upstream_target_attempts_total{api="orders",rule="kept",target="http://` + b.address + `"}`); got != "2" {
		t.Errorf("after a reload %q attempts are known", got)
	}
	if got := d.metric(`postern_routed_total{api="orders",rule="kept"}`); got != "2" {
		t.Errorf("after a reload the rule has counted %q", got)
	}
	wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Request-Id: less", key, "X-Failing: 1")), 503)
	if line := d.accessLine("less"); fmt.Sprint(line["attempts"]) != "2" {
		t.Errorf("access line %v", line)
	}
}

// What one rule's upstream has answered is not given to requests of another.
func TestRouteBeforeCache(t *testing.T) {
	kept := func(name string) *target {
		return newTarget(t, always("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=600\r\nContent-Length: 0\r\nX-Target: "+name+"\r\n\r\n"))
	}
	own, a := kept("own"), kept("a")
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- name: orders
  upstream: {targets: [{url: "http://%[1]s"}]}
  policies:
    identify: none
    cache: {}
    route:
      rules:
      - {name: changing, when: {all: [{header: {name: X-Change}}]}, method: PUT}
      - {name: a, when: {all: [{header: {name: X-Way, equals: a}}]}, upstream: {targets: [{url: "http://%[2]s"}]}}
`, own.address, a.address))
	get := func(fields ...string) string {
		return d.do(lines(append([]string{"GET /gateway/orders/x HTTP/1.1", "Host: h"}, fields...)...))
	}
	for range 2 {
		if got := field(get("X-Way: a"), "X-Target"); got != "a" {
			t.Errorf("answered by %q, want a", got)
		}
		if got := field(get(), "X-Target"); got != "own" {
			t.Errorf("answered by %q, want own", got)
		}
	}
	if len(a.seen) != 1 || len(own.seen) != 1 {
		t.Errorf("%d and %d requests, want 1 each", len(a.seen), len(own.seen))
	}
	for range 2 {
		wantStatus(t, get("X-Change: 1"), 200)
	}
	if len(own.seen) != 3 {
		t.Errorf("%d requests, want 3: a PUT is not answered from the cache", len(own.seen))
	}
}
