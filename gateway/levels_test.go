package gateway

import (
	"fmt"
	"testing"
)

// Which policies a request meets, by its API and its method: those of each level
// hold, whatever the others say.
func TestLevels(t *testing.T) {
	u := newTarget(t, always(ok))
	g := startText(t, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
policies:
- {name: writes are https, when: {methods: [POST], tags: [shop]}, policies: {protocols: [https]}}
- {name: reads of v2, when: {methods: [GET], apis: ["or*s"], versions: ["2.*"]}, policies: {protocols: [https]}}
- {name: all of audit, when: {apis: [audit]}, policies: {protocols: [https]}}
apis:
- {name: orders, version: "1.0", tags: [shop, edge], upstream: {targets: [{url: %[1]s}]}, policies: {identify: none}}
- {name: orders, version: "2.1", upstream: {targets: [{url: %[1]s}]}, policies: {identify: none}}
- {name: audit, version: "1", upstream: {targets: [{url: %[1]s}]}, policies: {identify: none, protocols: [http]}}
- name: catalog
  version: "1"
  upstream: {targets: [{url: %[1]s}]}
  resources: [{path: /open}, {path: /closed, scopes: [closed]}]
  scopes: [{name: closed, policies: {protocols: [https]}}]
  policies: {identify: none}
`, "http://"+u.address))
	for _, tt := range []struct {
		request string
		want    int
	}{
		{"GET /gateway/orders/1.0/x", 200},
		{"POST /gateway/orders/1.0/x", 403},
		{"DELETE /gateway/orders/1.0/x", 200},
		{"GET /gateway/orders/2.1/x", 403},
		{"HEAD /gateway/orders/2.1/x", 403},
		{"POST /gateway/orders/2.1/x", 200},
		{"GET /gateway/audit/1/x", 403},
		{"GET /gateway/catalog/1/open", 200},
		{"GET /gateway/catalog/1/closed", 403},
	} {
		t.Run(tt.request, func(t *testing.T) {
			wantStatus(t, g.do(lines(tt.request+" HTTP/1.1", "Host: x", "Connection: close")), tt.want)
		})
	}
}
