package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
		"Authorization: Bearer s3cr3t", "Referer: https://u:s3cr3t@h/p?access_token=s3cr3t&a=1#s3cr3t", "Content-Type: application/json", "Content-Length: 7") + `{"n":1}`))
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
		"requestHeaders":        map[string]any{"Host": "h", "X-Request-Id": "r-1", "User-Agent": "test/1", "Authorization": hidden, "Referer": "https://h/p?access_token=***&a=1", "Content-Type": "application/json"},
		"nativeRequestHeaders":  map[string]any{"Host": "h", "X-Request-Id": "r-1", "User-Agent": "test/1", "Authorization": hidden, "Referer": "https://h/p?access_token=***&a=1", "Content-Type": "application/json"},
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

// A token that a policy moves, and that the upstream repeats, is not stored.
func TestInvocationLogOfMovedCredentials(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: 20\r\nX-Echo: s3cr3t-key\r\n\r\nyour key: s3cr3t-key"))
	text := strings.Replace(loggedTo(u.address, ", request: {headers: true, body: true}, response: {headers: true, body: true}, messages: [client, server]"), "    invocationlog:", `    transform: {request: [{set_headers: {X-Moved: "<${request.authorization.apiKey}>"}, set_query: {k: "${request.authorization.apiKey}"}}]}
    invocationlog:`, 1)
	d := deploy(t, t.TempDir(), text)
	wantStatus(t, d.do(lines("GET /gateway/orders/1.0/orders/1 HTTP/1.1", "Host: h", "X-Gateway-APIKey: s3cr3t-key")), 200)
	if sent := u.next(); !strings.Contains(sent, "X-Moved: <s3cr3t-key>") || !strings.Contains(sent, "?k=s3cr3t-key") {
		t.Fatalf("the upstream got %q", sent)
	}
	events, stored := d.events(1)
	if strings.Contains(stored, "s3cr3t") || events[0]["nativeRequestHeaders"].(map[string]any)["X-Moved"] != "<**************>" {
		t.Errorf("%s", stored)
	}
}

// What is copied of a body does not hold it up: each piece passes when it comes.
func TestInvocationLogStreams(t *testing.T) {
	more := make(chan struct{})
	u := newTarget(t, func(u *target, p *peer) {
		p.request()
		p.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
		<-more
		p.send("9\r\ndata: 2\n\n\r\n0\r\n\r\n")
	})
	d := deploy(t, t.TempDir(), loggedTo(u.address, ", response: {body: true}"))
	p := dial(t, d.http)
	defer p.Close()
	p.send(lines("GET /gateway/orders/1.0/orders/1 HTTP/1.1", "Host: h", "X-Gateway-APIKey: s3cr3t-key"))
	first := make([]byte, 1000)
	got := ""
	for !strings.Contains(got, "data: 1") {
		n, err := p.Read(first)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got += string(first[:n])
	}
	close(more)
	events, text := d.events(1)
	if events[0]["resPayload"] != "data: 1\n\ndata: 2\n\n" {
		t.Errorf("%s", text)
	}
}

// Events go to what speaks the bulk protocol, and what it does not take yet is
// sent again, also when the gateway ends meanwhile.
func TestEventsInBulk(t *testing.T) {
	var mu sync.Mutex
	var taken []string
	away := true
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if away {
			away = false
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		taken = append(taken, string(body))
		io.WriteString(w, `{"errors":false}`)
	}))
	defer sink.Close()
	u := newTarget(t, always(ok))
	text := strings.Replace(loggedTo(u.address, ""), "file: {path: events.jsonl}", fmt.Sprintf("elasticsearch: {url: %q, index: e, flush: 1h}", sink.URL), 1)
	d := deploy(t, t.TempDir(), text)
	for range 3 {
		d.do(lines("GET /gateway/orders/1.0/orders/1 HTTP/1.1", "Host: h", "X-Gateway-APIKey: s3cr3t-key"))
	}
	if err := d.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(taken) != 1 || strings.Count(taken[0], `"eventType":"Transactional"`) != 3 || strings.Count(taken[0], `{"create":{"_id":"`) != 3 {
		t.Errorf("taken %q", taken)
	}
}

// A destination that a reload replaces writes what it was given; one that stays
// goes on, with its counts.
func TestDestinationsOverReloads(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), loggedTo(u.address, ""))
	ask := func() {
		d.do(lines("GET /gateway/orders/1.0/orders/1 HTTP/1.1", "Host: h", "X-Gateway-APIKey: s3cr3t-key"))
	}
	ask()
	d.applied(func() { d.write("postern.yaml", loggedTo(u.address, ", when: always")+"tokens: {clock_skew: 1s}\n") })
	ask()
	d.events(2)
	d.applied(func() {
		d.write("postern.yaml", strings.ReplaceAll(loggedTo(u.address, ""), "events.jsonl", "others.jsonl"))
	})
	ask()
	eventually(t, "an event in the other file", func() bool {
		text, _ := os.ReadFile(filepath.Join(d.dir, "others.jsonl"))
		return strings.Count(string(text), "\n") == 1
	})
	if events, text := d.events(2); len(events) != 2 {
		t.Errorf("%s", text)
	}
	eventually(t, "all three count", func() bool {
		return d.metric(`postern_events_total{destination="audit",outcome="sent"}`) == "3"
	})
}
