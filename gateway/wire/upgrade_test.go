package wire_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"postern/gateway/wire"
)

// tokens are the elements of a list field, as net/http has its lines.
func tokens(lines []string) (all []string) {
	for _, element := range strings.Split(strings.Join(lines, ","), ",") {
		if element = strings.ToLower(strings.Trim(element, " \t")); element != "" {
			all = append(all, element)
		}
	}
	return all
}

func has(all []string, token string) bool {
	for _, t := range all {
		if t == token {
			return true
		}
	}
	return false
}

// In every spelling of a request, the protocol that it is forwarded with is one
// that net/http finds offered too, and the first of those that are allowed.
func FuzzRequestUpgrade(f *testing.F) {
	for _, raw := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket",
		"connection: keep-alive, \tUPGRADE ,close\r\nuPGRADE: h2c, WebSocket;q=1,websocket",
		"Connection: upgrade\r\nConnection: x\r\nUpgrade: chat/1.0\r\nUpgrade: websocket",
		"Connection: \"upgrade\"\r\nUpgrade: websocket",
		"Connection : upgrade\r\nUpgrade: websocket",
		"Conn_ection: upgrade\r\nUp_grade: websocket\r\nUpgrade_: x",
		"Connection: upgrades\r\nUpgrade:websocket",
		"Connection:,,upgrade,,\r\nUpgrade:,websocket,",
		"Connection: upgrade\r\nUpgrade: web\tsocket\r\n websocket",
		"Connection: upgrade, Upgrade\r\nUpgrade: \x00websocket",
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: x",
		"Connection: Upgrade, Sec-WebSocket-Key\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==",
	} {
		f.Add(raw)
	}
	allowed := []string{"websocket", "chat/1.0"}
	f.Fuzz(func(t *testing.T, fields string) {
		raw := "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n"
		m, err := readRequest(raw)
		if err != nil {
			return
		}
		theirs, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		want := ""
		if has(tokens(theirs.Header["Connection"]), "upgrade") {
			for _, protocol := range tokens(theirs.Header["Upgrade"]) {
				if has(allowed, protocol) {
					want = protocol
					break
				}
			}
		}
		if got := strings.ToLower(string(m.head.Offers(allowed))); got != want {
			t.Fatalf("%q is offered here, %q in net/http", got, want)
		}
		if key := m.head.WebSocketKey(); key != nil {
			nonce, err := base64.StdEncoding.DecodeString(string(key))
			if got := theirs.Header["Sec-Websocket-Key"]; len(nonce) != 16 || err != nil || len(got) != 1 || got[0] != string(key) {
				t.Fatalf("key %q here, %q in net/http", key, got)
			}
		}
		for name := range values(&m.head) {
			if name == "Upgrade" || name == "Connection" {
				t.Fatalf("%s would be forwarded as it came", name)
			}
		}
	})
}

// A head is taken for a switch exactly where net/http sees one, of one protocol,
// and for the acceptance of a key where net/http finds the one right value.
func FuzzAnswerUpgrade(f *testing.F) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	for _, raw := range []string{
		"101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		"101\r\nconnection: x,upgrade\r\nupgrade: WebSocket\r\nsec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo= ",
		"101 S\r\nConnection: Upgrade\r\nUpgrade: websocket, chat\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xO0=",
		"101 S\r\nConnection: close\r\nConnection: UPGRADE\r\nUpgrade: websocket\r\nUpgrade: websocket",
		"101 S\r\nConnection: Upgrade\r\nUp_grade: websocket\r\nUpgrade: \"websocket\"",
		"101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
		"101 S\r\nConnection: Upgrade, Sec-WebSocket-Accept\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		"101 S\r\nConnection: close\r\nConnection: upgrade\r\nUpgrade: websocket",
		"1O1 S\r\nConnection: Upgrade\r\nUpgrade: websocket",
		"200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket",
	} {
		f.Add(raw)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	f.Fuzz(func(t *testing.T, text string) {
		raw := "HTTP/1.1 " + text + "\r\n\r\n"
		head := new(wire.Head)
		r, err := readResponse(newReader(raw), head)
		if err != nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
		if err != nil {
			return
		}
		if r.Status != theirs.StatusCode {
			t.Fatalf("status %d here, %d in net/http", r.Status, theirs.StatusCode)
		}
		upgrades := theirs.Header["Upgrade"]
		want := has(tokens(theirs.Header["Connection"]), "upgrade") && len(upgrades) == 1 && strings.EqualFold(upgrades[0], "websocket")
		if got := !r.Close && head.SwitchesTo([]byte("websocket")); got != want {
			t.Fatalf("switches here: %t, in net/http: %t", got, want)
		}
		accepts := theirs.Header["Sec-Websocket-Accept"]
		want = len(accepts) == 1 && accepts[0] == accept && !has(tokens(theirs.Header["Connection"]), "sec-websocket-accept")
		if got := head.AcceptsWebSocket([]byte(key)); got != want {
			t.Fatalf("accepts here: %t, in net/http: %t", got, want)
		}
	})
}

// ReadPiece waits without a limit, gives what has come, tells of the end, and is
// ended by Stop; over TLS too, where one read of the socket brings several
// records.
func TestReadPiece(t *testing.T) {
	for _, secure := range []bool{false, true} {
		name := map[bool]string{false: "TCP", true: "TLS"}[secure]
		t.Run(name, func(t *testing.T) {
			c, peer := pair(t)
			if secure {
				c, peer = securePair(t)
			}
			c.ReadLimit = 10 * time.Millisecond
			c.SetFree()
			go func() {
				<-time.After(50 * time.Millisecond)
				for range 3 {
					io.WriteString(peer, "abc")
				}
			}()
			for got := ""; len(got) < 9; {
				piece, err := c.ReadPiece()
				if err != nil {
					t.Fatal(err)
				}
				got += string(*piece)
				wire.PutPiece(piece)
			}
			time.AfterFunc(50*time.Millisecond, c.Stop)
			if _, err := c.ReadPiece(); !errors.Is(err, wire.ErrGone) {
				t.Errorf("after Stop: %v", err)
			}
			if _, err := c.ReadPiece(); !errors.Is(err, wire.ErrGone) {
				t.Errorf("once more: %v", err)
			}
		})
	}
	t.Run("the end", func(t *testing.T) {
		c, peer := pair(t)
		c.SetFree()
		io.WriteString(peer, "abc")
		peer.Close()
		if piece, err := c.ReadPiece(); err != nil || string(*piece) != "abc" {
			t.Errorf("%v", err)
		}
		if _, err := c.ReadPiece(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	})
}
