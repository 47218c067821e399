package gateway

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Who may call by address, whole, before anybody is identified.
func TestIPFilterFromOutside(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
trusted_proxies: [127.0.0.1, 10.0.0.0/8]
hostnames: {resolver: "127.0.0.1:1", timeout: 2s}
auth_servers:
- {name: corp, issuer: %[2]q, local_introspection: {jwks_uri: %[3]q}, audience: {any: [orders]}}
policies:
- {name: never, policies: {ipfilter: {deny: [192.0.2.66]}}}
apis:
- name: orders
  upstream: {targets: [{url: "http://%[1]s"}]}
  resources: [{path: /x}, {path: /staff, scopes: [staff]}, {path: /named, scopes: [named]}, {path: /not-named, scopes: [not-named]}]
  scopes:
  - {name: staff, policies: {ipfilter: {allow: [192.0.2.8-192.0.2.9]}}}
  - {name: named, policies: {ipfilter: {hosts: {allow: ["*.example.com"]}}}}
  - {name: not-named, policies: {ipfilter: {hosts: {deny: ["*.example.com"]}}}}
  policies:
    identify: {by: [jwt], applications: none}
    ipfilter: {allow: [192.0.2.0/24, "2001:db8::/32"]}
`, u.address, i.URL, i.URL+"/keys"))
	token := "Authorization: Bearer " + key.sign(t, claims(i.URL, nil))
	refused := refusal("403 Forbidden", "address_not_allowed", "Calls from this address are not allowed")
	const passed = "HTTP/1.1 200 OK\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\nok"
	for _, tt := range []struct{ name, path, from, want string }{
		{"allowed", "/x", "192.0.2.7", passed},
		{"allowed, IPv6", "/x", `[2001:db8::1]:80`, passed},
		{"allowed, IPv4 as IPv6", "/x", "::ffff:192.0.2.7", passed},
		{"not allowed", "/x", "198.51.100.7", refused},
		{"denied by the level around", "/x", "192.0.2.66", refused},
		{"what a stranger says of itself", "/x", "192.0.2.7, 198.51.100.7, 10.0.0.1", refused},
		{"the proxy itself", "/x", "", refused},
		{"a scope allows fewer", "/staff", "192.0.2.7", refused},
		{"a scope allows", "/staff", "192.0.2.8", passed},
		{"a scope allows nobody whom the API does not", "/staff", "198.51.100.8", refused},
		{"names are away", "/named", "192.0.2.7", refused},
		{"names to deny are away", "/not-named", "192.0.2.7", passed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := []string{"GET /gateway/orders" + tt.path + " HTTP/1.1", "Host: h", "X-Request-Id: r-1", token}
			if tt.from != "" {
				head = append(head, "X-Forwarded-For: "+tt.from)
			}
			if diff := cmp.Diff(tt.want, steady(d.do(lines(head...)))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Request-Id: r-2", "X-Forwarded-For: 198.51.100.7")), 403) // before 401
	if line := d.accessLine("r-2"); line["code"] != "address_not_allowed" || line["reason"] != "address is not allowed" || line["client"] != "198.51.100.7" {
		t.Errorf("access line %v", line)
	}
}
