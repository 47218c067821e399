package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/wire"
)

// RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ].
// The space before a missing phrase is often left out; that is harmless.
func TestStatusLine(t *testing.T) {
	for _, tt := range []struct {
		line   string
		status int
		reason string
		err    error
	}{
		{"HTTP/1.1 200 OK", 200, "OK", nil},
		{"HTTP/1.0 200 OK", 200, "OK", nil},
		{"HTTP/1.1 200 ", 200, "", nil},
		{"HTTP/1.1 200", 200, "", nil},
		{"HTTP/1.1 299 Own  words, \xe4\t", 299, "Own  words, \xe4\t", nil},
		{"HTTP/1.1 100 Continue", 100, "Continue", nil},
		{"HTTP/1.1 999 x", 999, "x", nil},
		{"HTTP/1.1 099 x", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 20 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 2000 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 2x0 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 +20 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 200OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1\t200 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1  200 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 200\tOK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.2 200 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/2.0 200 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1 200 OK", 0, "", wire.ErrStatusLine},
		{"http/1.1 200 OK", 0, "", wire.ErrStatusLine},
		{"ICY 200 OK", 0, "", wire.ErrStatusLine},
		{" HTTP/1.1 200 OK", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 200 O\x00K", 0, "", wire.ErrStatusLine},
		{"HTTP/1.1 200 O\rK", 0, "", wire.ErrStatusLine},
		{"<html>", 0, "", wire.ErrStatusLine},
		{"", 0, "", wire.ErrStatusLine},
	} {
		t.Run(tt.line, func(t *testing.T) {
			r, err := readResponse(newReader(tt.line+"\r\nContent-Length: 0\r\n\r\n"), new(wire.Head))
			mustBe(t, err, tt.err)
			if err == nil && (r.Status != tt.status || string(r.Reason) != tt.reason) {
				t.Errorf("got %d %q, want %d %q", r.Status, r.Reason, tt.status, tt.reason)
			}
			if err != nil && !wire.IsRefusal(err) {
				t.Errorf("%v is not taken for a refusal", err)
			}
		})
	}
}

// RFC 9112 6.3: how an answer's length is found, and what leaves it open.
func TestResponseFraming(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		want      wire.Response
		err       error
	}{
		{"until close", "", wire.Response{Length: -1}, nil},
		{"length", "Content-Length: 5\r\n", wire.Response{Length: 5}, nil},
		{"leading zeros", "Content-Length: 005\r\n", wire.Response{Length: 5}, nil},
		{"chunked", "Transfer-Encoding: Chunked\r\n", wire.Response{Length: -1, Chunked: true}, nil},
		{"close", "Connection: Close\r\n", wire.Response{Length: -1, Close: true}, nil},
		{"close, then keep-alive", "Connection: close\r\nConnection: keep-alive\r\n", wire.Response{Length: -1, Close: true}, nil},
		{"keep-alive, then close", "Connection: keep-alive\r\nConnection: close\r\n", wire.Response{Length: -1, Close: true}, nil},
		{"keep-alive beside close", "Connection: keep-alive, close\r\n", wire.Response{Length: -1, Close: true}, nil},
		{"1.0", "HTTP/1.0 200 OK\r\n", wire.Response{Length: -1, Close: true}, nil},
		{"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n", wire.Response{Length: 5}, nil},
		{"1.0 close, then keep-alive", "HTTP/1.0 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n", wire.Response{Length: -1, Close: true}, nil},
		{"length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", wire.Response{}, wire.ErrFraming},
		{"chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", wire.Response{}, wire.ErrFraming},
		{"length twice", "Content-Length: 5\r\nContent-Length: 5\r\n", wire.Response{}, wire.ErrFraming},
		{"length list", "Content-Length: 5, 5\r\n", wire.Response{}, wire.ErrFraming},
		{"length signed", "Content-Length: +5\r\n", wire.Response{}, wire.ErrFraming},
		{"length empty", "Content-Length: \r\n", wire.Response{}, wire.ErrFraming},
		{"length too large", "Content-Length: 9223372036854775808\r\n", wire.Response{}, wire.ErrFraming},
		{"chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", wire.Response{}, wire.ErrFraming},
		{"gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", wire.Response{}, wire.ErrFraming},
		{"identity", "Transfer-Encoding: identity\r\n", wire.Response{}, wire.ErrFraming},
		{"chunked on 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", wire.Response{}, wire.ErrFraming},
		{"space before colon", "Content-Length : 5\r\n", wire.Response{}, wire.ErrFieldName},
		{"fold", "X: a\r\n b\r\n", wire.Response{}, wire.ErrFieldName},
		{"bare LF", "X: a\nY: b\r\n", wire.Response{}, wire.ErrLineEnd},
		{"bare LF after the status line", "HTTP/1.1 200 OK\nX: a\r\n", wire.Response{}, wire.ErrLineEnd},
		{"bare CR", "X: a\rb\r\n", wire.Response{}, wire.ErrFieldValue},
		{"NUL", "X: a\x00\r\n", wire.Response{}, wire.ErrFieldValue},
		{"connection not a list of names", "Connection: a b\r\n", wire.Response{}, wire.ErrConnection},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw := tt.raw
			if !strings.HasPrefix(raw, "HTTP/") {
				raw = "HTTP/1.1 200 OK\r\n" + raw
			}
			r, err := readResponse(newReader(raw+"\r\n"), new(wire.Head))
			mustBe(t, err, tt.err)
			if err != nil {
				if !wire.IsRefusal(err) {
					t.Errorf("%v is not taken for a refusal", err)
				}
				return
			}
			tt.want.Status, tt.want.Reason = 200, []byte("OK")
			if diff := cmp.Diff(tt.want, r); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An answer's lines go on as they came, without those of this connection.
func TestResponseFields(t *testing.T) {
	const kept = "Date: now\r\nserver:x\r\nSet-Cookie: a\r\nContent-Type: t\r\nset-cookie: b\r\nTrailer: X-T\r\nProxy-Authenticate: Basic\r\n"
	head := new(wire.Head)
	_, err := readResponse(newReader("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\n"+kept+"X-Hop: 1\r\nUpgrade: h2c\r\nContent_Length: 7\r\nContent-Length: 5\r\n\r\n"), head)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(head.Append(nil)); got != kept {
		t.Errorf("got %q, want %q", got, kept)
	}
}

// RFC 9112 6.3: answers to HEAD, 1xx, 204 and 304 end with their head.
func TestBodyless(t *testing.T) {
	for _, tt := range []struct {
		status int
		head   bool
		want   bool
	}{{200, false, false}, {200, true, true}, {100, false, true}, {103, false, true}, {204, false, true}, {304, false, true}, {205, false, false}, {404, true, true}, {500, false, false}} {
		r := wire.Response{Status: tt.status}
		if got := r.Bodyless(tt.head); got != tt.want {
			t.Errorf("%d to HEAD %v: bodyless is %v", tt.status, tt.head, got)
		}
	}
}

func TestAppendStatus(t *testing.T) {
	for _, tt := range []struct {
		status int
		reason []byte
		want   string
	}{
		{200, nil, "HTTP/1.1 200 OK\r\n"},
		{200, []byte("Fine"), "HTTP/1.1 200 Fine\r\n"},
		{404, []byte{}, "HTTP/1.1 404 \r\n"},
	} {
		if got := wire.AppendStatus([]byte{}, tt.status, tt.reason); !bytes.Equal(got, []byte(tt.want)) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
