package gateway

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The key and its answer are those of RFC 6455 1.3.
const (
	wsKey    = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	wsAccept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + wsAccept + "\r\n\r\n"
)

// handshake asks for a WebSocket, with more lines.
func handshake(more ...string) string {
	return lines(append([]string{"GET /chat HTTP/1.1", "Host: x", "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", wsKey}, more...)...)
}

// What is asked of the target: an upgrade only to what the API allows, only as
// RFC 9110 7.8 and RFC 6455 4.1 have it asked, and everything else as though
// Upgrade were not there.
func TestUpgradeIsAskedFor(t *testing.T) {
	const asked, plain, refused = "asked", "plain", "refused"
	ws := []string{"GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", wsKey}
	with := func(change ...string) string { // name, then the line that replaces it, or ""
		all := append([]string(nil), ws...)
		for i := 0; i < len(change); i += 2 {
			for n, l := range all {
				if strings.HasPrefix(l, change[i]) {
					all[n] = change[i+1]
				}
			}
		}
		kept := all[:0]
		for _, l := range all {
			if l != "" {
				kept = append(kept, l)
			}
		}
		return lines(kept...)
	}
	for _, tt := range []struct{ name, upgrade, request, want string }{
		{"WebSocket by default", "", with(), asked},
		{"names without case (RFC 9110 7.8)", "", with("Upgrade", "uPGRADE: WebSocket", "Connection", "cOnnection: upGRADE"), asked},
		{"among other options", "", with("Connection", "Connection: keep-alive ,\tUpgrade,X-Y"), asked},
		{"in a second line", "", with("Connection", "Connection: keep-alive\r\nConnection: Upgrade"), asked},
		{"the first that is allowed", "", with("Upgrade", "Upgrade: h2c, chat/1, websocket, x"), asked},
		{"the first over two lines", "", with("Upgrade", "Upgrade: h2c\r\nUpgrade: websocket"), asked},
		{"without Connection: upgrade", "", with("Connection", ""), plain},
		{"with another option only", "", with("Connection", "Connection: keep-alive"), plain},
		{"without Upgrade", "", with("Upgrade", ""), plain},
		{"HTTP/1.0 knows none (RFC 9110 7.8)", "", with("GET", "GET / HTTP/1.0"), plain},
		{"another version of it", "", with("Upgrade", "Upgrade: websocket/13"), plain},
		{"a longer name", "", with("Upgrade", "Upgrade: websockets"), plain},
		{"in quotes", "", with("Upgrade", `Upgrade: "websocket"`), plain},
		{"a twin of Upgrade", "", with("Upgrade: ", "Up_grade: websocket"), plain},
		{"none is allowed", "upgrade: none", with(), plain},
		{"only another is allowed", "upgrade: {protocols: [chat/1.0]}", with(), plain},
		{"h2c", "", with("Upgrade", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"), plain},
		{"HTTP/2.0 and TLS", "", with("Upgrade", "Upgrade: HTTP/2.0, TLS/1.3"), plain},
		{"another that is allowed", "upgrade: {protocols: [chat/1.0]}", with("Upgrade", "Upgrade: Chat/1.0", "Sec-WebSocket-Key", ""), asked},
		{"another with POST", "upgrade: {protocols: [chat]}", with("GET", "POST / HTTP/1.1", "Upgrade", "Upgrade: chat"), asked},
		{
			"another with a body may be passed over (RFC 9110 7.8)", "upgrade: {protocols: [chat]}",
			with("GET", "POST / HTTP/1.1", "Upgrade", "Upgrade: chat", "Sec-WebSocket-Key", "Content-Length: 2") + "hi", plain,
		},
		{"no body that says so", "", with("Host", "Host: x\r\nContent-Length: 0"), asked},
		{"with TE", "", with("Host", "Host: x\r\nTE: trailers"), asked},
		{"POST (RFC 6455 4.1)", "", with("GET", "POST / HTTP/1.1"), refused},
		{"a body (RFC 6455 4.1)", "", with("Host", "Host: x\r\nContent-Length: 2") + "hi", refused},
		{"no key (RFC 6455 4.1)", "", with("Sec-WebSocket-Key", ""), refused},
		{"two keys (RFC 6455 11.3.1)", "", with("Sec-WebSocket-Key", wsKey+"\r\n"+wsKey), refused},
		{"a short key (RFC 6455 4.1)", "", with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="), refused},
		{"a key that is no base64 (RFC 6455 4.1)", "", with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ*=="), refused},
		{"a key that Connection removes (RFC 9110 7.6.1)", "", with("Connection", "Connection: Upgrade, Sec-WebSocket-Key"), refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, always(ok))
			g := start(t, bundle{target: u.address, upstream: tt.upgrade})
			answer := g.do(tt.request)
			if tt.want == refused {
				wantStatus(t, answer, 400)
				if u.accepted() != 0 {
					t.Errorf("the target was asked")
				}
				return
			}
			wantStatus(t, answer, 200)
			got := u.next()
			isAsked := field(got, "Connection") == "Upgrade" && field(got, "Upgrade") != ""
			isPlain := field(got, "Connection") == "" && field(got, "Upgrade") == "" && field(got, "HTTP2-Settings") == ""
			if isAsked != (tt.want == asked) || isPlain != (tt.want == plain) {
				t.Errorf("want %s, the target got %q", tt.want, got)
			}
		})
	}
}

// The whole handshake, as the target and the caller see it, then bytes of both
// sides that came together with the heads.
func TestWebSocketHandshake(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		u.seen <- p.head()
		p.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
			strings.Replace(switched, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n", 1) + "\x81\x02hi")
		u.seen <- p.take(4)
		p.rest()
	})
	g := start(t, bundle{target: u.address})
	p := g.dial()
	p.send(handshake("Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate", "Origin: http://x", "X-Request-Id: r") + "abcd")
	want := lines("GET /chat HTTP/1.1", "Host: "+u.address, "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: x",
		"Sec-WebSocket-Version: 13", wsKey, "Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate", "Origin: http://x", "X-Request-Id: r",
		"Via: 1.1 postern", "Connection: Upgrade", "Upgrade: websocket")
	if diff := cmp.Diff(want, u.next()); diff != "" {
		t.Errorf("at the target (-want +got):\n%s", diff)
	}
	if got := p.head(); got != "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" {
		t.Errorf("interim answer %q", got)
	}
	want = lines("HTTP/1.1 101 Switching Protocols", wsAccept, "Sec-WebSocket-Protocol: chat", "X-Request-Id: r", "Connection: Upgrade", "Upgrade: websocket")
	if diff := cmp.Diff(want, p.head()); diff != "" {
		t.Errorf("at the caller (-want +got):\n%s", diff)
	}
	if got := p.take(4); got != "\x81\x02hi" {
		t.Errorf("behind the 101: %q", got)
	}
	if got := u.next(); got != "abcd" {
		t.Errorf("behind the request: %q", got)
	}
}

// A 101 that does not answer what was asked is never relayed: the caller would
// speak to the target past the gateway.
func TestSwitchIsNotBelieved(t *testing.T) {
	change := func(old, replaced string) string { return strings.Replace(switched, old, replaced, 1) }
	for _, tt := range []struct{ name, answer string }{
		{"no Upgrade", change("Upgrade: websocket\r\n", "")},
		{"no Connection", change("Connection: Upgrade\r\n", "")},
		{"Connection of another field", change("Connection: Upgrade", "Connection: keep-alive")},
		{"another protocol", change("websocket", "chat")},
		{"h2c", change("websocket", "h2c")},
		{"two protocols", change("websocket", "websocket, chat")},
		{"twice", change("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket")},
		{"no Sec-WebSocket-Accept", change(wsAccept+"\r\n", "")},
		{"another key's", change("s3pP", "S3pP")},
		{"two of them", change(wsAccept, wsAccept+"\r\n"+wsAccept)},
		{"with close", change("Connection: Upgrade", "Connection: Upgrade, close")},
		{"HTTP/1.0, which knows none", change("HTTP/1.1", "HTTP/1.0")},
		{"a bare LF", change("\r\n", "\n")},
		{"a status that is not one", change("101", "1o1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, once(tt.answer+"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"))
			p := start(t, bundle{target: u.address}).dial()
			answer := p.do(handshake())
			wantStatus(t, answer, 502)
			if !strings.Contains(answer, "upstream_invalid") || strings.Contains(answer, "secret") {
				t.Errorf("answer %q", answer)
			}
		})
	}
	t.Run("nobody asked", func(t *testing.T) {
		u := newTarget(t, once(switched))
		answer := start(t, bundle{target: u.address}).do(lines("GET / HTTP/1.1", "Host: x", wsKey, "Upgrade: websocket"))
		wantStatus(t, answer, 502)
	})
}

// A target that does not switch answers as ever, and both connections go on.
// What the caller has sent early is its next request, and not the target's.
func TestUpgradeIsDeclined(t *testing.T) {
	for name, answer := range map[string]string{
		"200": ok,
		"426": "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			u := newTarget(t, always(answer))
			g := start(t, bundle{target: u.address, upstream: "upgrade: {tunnels: 1}"})
			p := g.dial()
			p.send(handshake() + lines("GET /next HTTP/1.1", "Host: x"))
			for _, path := range []string{"/chat", "/next"} {
				wantStatus(t, p.answer("GET"), status(answer))
				if got := u.next(); !strings.HasPrefix(got, "GET "+path+" ") {
					t.Errorf("the target got %q, want %s", got, path)
				}
			}
			for range 3 { // places are given back
				wantStatus(t, p.do(handshake()), status(answer))
			}
			if n := u.accepted(); n != 1 {
				t.Errorf("%d upstream connections, want 1 kept", n)
			}
		})
	}
}
