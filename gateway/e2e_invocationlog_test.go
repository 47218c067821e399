package gateway

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loggedTo is the YAML of an API whose requests are told of in events.jsonl.
func loggedTo(target, more string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
destinations: [{name: audit, file: {path: events.jsonl}, events: [transactional, error, policy_violation]}]
applications: [{name: shop, id: app-1, apis: [orders], identify: {api_keys: [s3cr3t-key]}}]
apis:
- name: orders
  version: "1.0"
  upstream: {targets: [{url: "http://%s"}]}
  resources: [{path: "/orders/{id}"}]
  policies:
    identify: {by: [api_key], api_key: {header: X-Gateway-APIKey, query: APIKey}}
    invocationlog: [{destinations: [audit]%s}]
`, target, more)
}

// events waits for n events in a file of the deployment.
func (d *deployment) events(n int) (all []map[string]any, text string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%d events", n), func() bool {
		read, _ := os.ReadFile(filepath.Join(d.dir, "events.jsonl"))
		text = string(read)
		return strings.Count(text, "\n") >= n
	})
	for line := range strings.Lines(text[:strings.LastIndexByte(text, '\n')+1]) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			d.t.Fatalf("%v in %q", err, line)
		}
		all = append(all, e)
	}
	return all, text
}

// What differs from request to request, or from host to host.
var unsteady = []string{"@timestamp", "creationDate", "sourceGatewayNode", "totalTime", "providerTime", "gatewayTime", "callDuration", "callStartTime", "callEndTime", "nativeURL", "externalURL"}

func steadyEvent(e map[string]any) map[string]any {
	for _, key := range unsteady {
		if _, there := e[key]; there {
			e[key] = "…"
		}
	}
	if calls, _ := e["externalCalls"].([]any); len(calls) > 0 {
		steadyEvent(calls[0].(map[string]any))
	}
	return e
}

// A request with all that can be stored of it, and what none of it shows.
func TestInvocationLogEndToEnd(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\nSet-Cookie: s3cr3t\r\nX-Up: a\r\nX-Up: b\r\n\r\n{\"ok\":true}"))
	d := deploy(t, t.TempDir(), loggedTo(u.address, ", request: {headers: true, body: true}, response: {headers: true, body: true}, messages: [client, server]"))
	answer := steady(d.do(lines("POST /gateway/orders/1.0/orders/7?a=1&APIKey=s3cr3t-key&access_token=s3cr3t HTTP/1.1", "Host: h", "X-Request-Id: r-1", "User-Agent: test/1",
		"Authorization: Bearer s3cr3t", "Content-Type: application/json", "Content-Length: 7") + `{"n":1}`))
	want := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: s3cr3t\r\nX-Up: a\r\nX-Up: b\r\nX-Request-Id: r-1\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	events, text := d.events(1)
	if strings.Contains(text, "s3cr3t") {
		t.Errorf("a secret is stored: %s", text)
	}
	const hidden = "**************"
	native := map[string]any{
		"externalCallType": "NATIVE_SERVICE_CALL", "externalURL": "…", "callDuration": "…", "callStartTime": "…", "callEndTime": "…", "responseCode": 200.0,
	}
	if diff := cmp.Diff(map[string]any{
		"eventType": "Transactional", "@timestamp": "…", "creationDate": "…", "sourceGateway": "Microgateway", "sourceGatewayNode": "…",
		"apiId": "orders/1.0", "apiName": "orders", "apiVersion": "1.0", "applicationId": "app-1", "applicationName": "shop", "applicationIp": "127.0.0.1",
		"correlationID": "r-1", "sessionId": "", "operationName": "/orders/{id}", "httpMethod": "POST", "responseCode": 200.0, "userAgent": "test/1",
		"status": "SUCCESS", "totalTime": "…", "providerTime": "…", "gatewayTime": "…", "totalDataSize": 18.0,
		"queryParameters": map[string]any{"a": "1", "access_token": "***"},
		"nativeURL":       "…", "nativeHttpMethod": "POST", "externalCalls": []any{native},
		"requestHeaders":        map[string]any{"Host": "h", "X-Request-Id": "r-1", "User-Agent": "test/1", "Authorization": hidden, "Content-Type": "application/json"},
		"nativeRequestHeaders":  map[string]any{"Host": "h", "X-Request-Id": "r-1", "User-Agent": "test/1", "Authorization": hidden, "Content-Type": "application/json"},
		"responseHeaders":       map[string]any{"Content-Type": "application/json", "Set-Cookie": hidden, "X-Up": "a, b"},
		"nativeResponseHeaders": map[string]any{"Content-Type": "application/json", "Set-Cookie": hidden, "X-Up": "a, b"},
		"reqPayload":            `{"n":1}`, "resPayload": `{"ok":true}`, "nativeReqPayload": `{"n":1}`, "nativeResPayload": `{"ok":true}`,
	}, steadyEvent(events[0])); diff != "" {
		t.Errorf("event (-want +got):\n%s\n%s", diff, text)
	}
}

// TestLogInvocation: each parameter of the template logInvocation changes the
// event, in the words that stand for it here.
func TestLogInvocation(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			if strings.Contains(request, "/orders/fail") {
				p.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nX-Up: a\r\n\r\noops")
				continue
			}
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Up: a\r\n\r\nanswer")
		}
	})
	for _, tt := range []struct {
		parameter, more, path string
		want, not             []string // members; nil wants no event
	}{
		{"nothing", "", "1", []string{"responseCode"}, []string{"requestHeaders", "responseHeaders", "reqPayload", "resPayload"}},
		{"storeRequestHeaders", ", request: {headers: true}", "1", []string{"requestHeaders"}, []string{"reqPayload", "responseHeaders", "nativeRequestHeaders"}},
		{"storeRequestPayload", ", request: {body: true}", "1", []string{"reqPayload=body"}, []string{"requestHeaders", "resPayload"}},
		{"storeResponseHeaders", ", response: {headers: true}", "1", []string{"responseHeaders"}, []string{"resPayload", "requestHeaders"}},
		{"storeResponsePayload", ", response: {body: true}", "1", []string{"resPayload=answer"}, []string{"responseHeaders", "reqPayload"}},
		{"storeServerMessage", ", response: {body: true, headers: true}, request: {headers: true}, messages: [server]", "1", []string{"nativeResPayload=answer", "nativeRequestHeaders", "nativeResponseHeaders"}, []string{"resPayload", "requestHeaders", "responseHeaders"}},
		{"storeClientMessage", ", request: {body: true}, messages: [client, server]", "1", []string{"reqPayload=body", "nativeReqPayload=body"}, nil},
		{"storeAsZip", ", request: {body: true}, compress: true", "1", []string{"reqPayloadEncoding=gzip+base64"}, nil},
		{"a body that is too long", ", request: {body: true}, max_body: 3B", "1", []string{"reqPayload=bod", "reqPayloadTruncated=true"}, nil},
		{"logGenerationFrequency OnSuccess", ", when: success", "1", []string{"status=SUCCESS"}, nil},
		{"logGenerationFrequency OnSuccess, of a failure", ", when: success", "fail", nil, nil},
		{"logGenerationFrequency OnFailure", ", when: failure", "fail", []string{"status=FAILURE", "errorOrigin=NATIVE"}, nil},
		{"logGenerationFrequency OnFailure, of a success", ", when: failure", "1", nil, nil},
		{"logGenerationFrequency Always", ", when: always", "fail", []string{"status=FAILURE"}, nil},
	} {
		t.Run(tt.parameter, func(t *testing.T) {
			d := deploy(t, t.TempDir(), loggedTo(u.address, tt.more))
			d.do(lines("POST /gateway/orders/1.0/orders/"+tt.path+" HTTP/1.1", "Host: h", "X-Gateway-APIKey: s3cr3t-key", "Content-Length: 4") + "body")
			// One that is refused follows, so that an event which must not be is seen.
			d.do(lines("GET /gateway/orders/1.0/orders/1 HTTP/1.1", "Host: h"))
			n := 2
			if tt.want == nil {
				n--
			}
			if strings.Contains(tt.more, "success") {
				n--
			}
			d.events(n)
			eventually(t, "all is written", func() bool { return d.metric(`postern_events_waiting_bytes{destination="audit"}`) == "0" })
			events, text := d.events(n)
			if len(events) != n {
				t.Fatalf("%d events, want %d: %s", len(events), n, text)
			}
			if tt.want == nil {
				return
			}
			for _, want := range tt.want {
				key, value, _ := strings.Cut(want, "=")
				if got, there := events[0][key]; !there || value != "" && fmt.Sprint(got) != value {
					t.Errorf("%s is %v in %s", key, got, text)
				}
			}
			for _, not := range tt.not {
				if _, there := events[0][not]; there {
					t.Errorf("%s is there in %s", not, text)
				}
			}
		})
	}
}

// The destination localLog with its logLevel, and what is refused.
func TestLogInvocationToTheLog(t *testing.T) {
	u := newTarget(t, always(ok))
	text := loggedTo(u.address, "")
	for _, tt := range []struct{ name, with, level string }{
		{"the log that is always there", "destinations: [log]", "info"},
		{"localLog, logLevel Error", "destinations: [audit]", "error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.NewReplacer("file: {path: events.jsonl}", "log: {level: error}", "destinations: [audit]", tt.with).Replace(text)
			d := deploy(t, t.TempDir(), text)
			d.do(lines("GET /gateway/orders/1.0/orders/1 HTTP/1.1", "Host: h", "X-Request-Id: r-2"))
			var line struct {
				Level string
				Event map[string]any
			}
			eventually(t, "a line", func() bool {
				for text := range strings.Lines(d.log.String()) {
					if strings.Contains(text, `"msg":"event"`) {
						return json.Unmarshal([]byte(text), &line) == nil
					}
				}
				return false
			})
			if line.Level != tt.level || line.Event["eventType"] != "PolicyViolation" || line.Event["alertType"] != "unidentified" || line.Event["alertDesc"] != "unidentified" || line.Event["alertSource"] != "orders(1.0)" {
				t.Errorf("%+v", line)
			}
		})
	}
}
