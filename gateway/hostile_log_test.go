package gateway

import (
	"strings"
	"testing"
)

// TestLoggedAsSent: the event tells of the request that the upstream got.
func TestLoggedAsSent(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	text := strings.Replace(loggedTo(u.address, ""), "    invocationlog:", "    transform: {request: [{method: PUT, path: /elsewhere}]}\n    invocationlog:", 1)
	d := deploy(t, t.TempDir(), text)
	got := d.do(lines("GET /gateway/orders/1.0/orders/7?APIKey=s3cr3t-key HTTP/1.1", "Host: h"))
	e, all := d.events(1)
	t.Logf("%q %s", got, all)
	if e[0]["nativeHttpMethod"] != "PUT" || !strings.HasSuffix(e[0]["nativeURL"].(string), "/elsewhere") {
		t.Errorf("%v %v", e[0]["nativeHttpMethod"], e[0]["nativeURL"])
	}
}

// TestPasswordInABody: it is hidden in what is stored, as it is and as basic
// authentication has it.
func TestPasswordInABody(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nyou: wonder"))
	text := strings.Replace(loggedTo(u.address, ", request: {headers: true, body: true}, response: {body: true}"), "identify: {by: [api_key], api_key: {header: X-Gateway-APIKey, query: APIKey}}", "identify: {by: [basic], applications: none}", 1)
	text = strings.Replace(text, "[orders], identify: {api_keys: [s3cr3t-key]}", "[orders]", 1) + "users: [{name: alice, password: wonder}]\n"
	d := deploy(t, t.TempDir(), text)
	const body = `{"user":"alice","pass":"wonder"}`
	got := d.do(lines("POST /gateway/orders/1.0/orders/7 HTTP/1.1", "Host: h", "Authorization: Basic YWxpY2U6d29uZGVy", "Content-Type: application/json", "Content-Length: 32") + body)
	wantStatus(t, got, 200)
	e, all := d.events(1)
	if strings.Contains(all, "wonder") || strings.Contains(all, "YWxpY2U6d29uZGVy") || e[0]["reqPayload"] != `{"user":"alice","pass":"******"}` || e[0]["resPayload"] != "you: ******" {
		t.Error(all)
	}
}

// TestHiddenByChoice: callers do not choose what is hidden of an event.
func TestHiddenByChoice(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	text := strings.Replace(loggedTo(u.address, ", request: {headers: true, body: true}"), "identify: {by: [api_key], api_key: {header: X-Gateway-APIKey, query: APIKey}}", "identify: none", 1)
	text = strings.Replace(text, "[orders], identify: {api_keys: [s3cr3t-key]}", "[orders]", 1)
	d := deploy(t, t.TempDir(), text)
	body := strings.Repeat("a", 60000)
	d.do(lines("POST /gateway/orders/1.0/orders/7 HTTP/1.1", "Host: h", "Authorization: x a", "Content-Type: text/plain", "Content-Length: 60000") + body)
	_, all := d.events(1)
	if len(all) > 70000 {
		t.Errorf("a body of 60000 bytes makes an event of %d", len(all))
	}
}
