package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"postern/gateway/router"
	"postern/gateway/wire"
)

// sentences are all that a message can be refused for before anybody has looked
// at what it asks, each with what entitles the gateway to do so.
var sentences = map[string]string{
	wire.ErrLineEnd.Error():          `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"`,
	wire.ErrRequestLine.Error():      `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`,
	wire.ErrTarget.Error():           `RFC 9112 3.2: "request-target = origin-form / absolute-form / authority-form / asterisk-form"`,
	wire.ErrFieldName.Error():        `RFC 9112 5.1: "A server MUST reject [...] whitespace between a header field name and colon"; 5.2: "MUST either reject the message by sending a 400"`,
	wire.ErrFieldValue.Error():       `RFC 9110 5.5: "MUST either reject the message or replace each of those characters"`,
	wire.ErrHost.Error():             `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any"`,
	wire.ErrContentLength.Error():    `RFC 9112 6.3: "the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`,
	wire.ErrTransferEncoding.Error(): `RFC 9112 6.1: "MAY reject a request that contains both Content-Length and Transfer-Encoding"`,
	wire.ErrAuthorization.Error():    `RFC 9110 5.3: "a sender MUST NOT generate multiple field lines with the same name"`,
	wire.ErrConnection.Error():       `RFC 9110 7.6.1: "Connection = #connection-option"`,
	wire.ErrHead.Error():             `RFC 9112 2.2: "SHOULD respond with a 400 (Bad Request) response and close the connection"`,
	wire.ErrTimeout.Error():          `RFC 9110 15.5.9: "did not receive a complete request message within the time that it was prepared to wait"`,
	wire.ErrTargetTooLong.Error():    `RFC 9112 3: "MUST respond with a 414 (URI Too Long) status code"`,
	wire.ErrExpect.Error():           `RFC 9110 10.1.1: "MAY respond with a 417 (Expectation Failed)"`,
	wire.ErrHeadTooLong.Error():      `RFC 9110 5.4: "MUST respond with an appropriate 4xx (Client Error) status code"`,
	wire.ErrTooManyFields.Error():    `RFC 9110 5.4: "MUST respond with an appropriate 4xx (Client Error) status code"`,
	wire.ErrMethod.Error():           `RFC 9110 9.1: "unrecognized or not implemented by an origin server, the origin server SHOULD respond with the 501"`,
	wire.ErrCoding.Error():           `RFC 9112 6.1: "with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`,
	wire.ErrVersion.Error():          `RFC 9110 15.6.6: "does not support, or refuses to support, the major version of HTTP"`,
	router.ErrNotAbsolute.Error():    `RFC 9112 3.2.1: "origin-form = absolute-path [ "?" query ]"`,
	router.ErrByte.Error():           `RFC 3986 3.3: "pchar = unreserved / pct-encoded / sub-delims / ":" / "@""`,
	router.ErrEscape.Error():         `RFC 3986 2.1: "pct-encoded = "%" HEXDIG HEXDIG"`,
	router.ErrControl.Error():        `RFC 3986 7.3: "%00" and others "may require special handling", which servers differ in`,
	router.ErrDotSegment.Error():     `RFC 3986 6.2.2.3: dot-segments "should be removed" by some, and are kept by others`,
	errSlash.Error():                 `RFC 3986 2.2: "URIs that differ in the replacement of a reserved character with its corresponding percent-encoded octet are not equivalent"`,
	webSocketRule:                    `RFC 6455 4.2.1: "the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code"`,
	"":                               `RFC 9112 7.1: what is no chunked body, refused while it is read`,
}

const webSocketRule = "a WebSocket handshake is a GET without a body, with one sec-websocket-key of 16 bytes in base64 (RFC 6455 4.1)"

// judged fails the test when an answer in told refuses its request for a reason
// that no sentence stands for.
func judged(t testing.TB, raw, told []byte) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(told))
	theirs := readMessages(raw)
	for n := 0; ; {
		request := new(http.Request)
		if n < len(theirs) {
			request.Method = theirs[n].Method
		}
		r, err := http.ReadResponse(br, request)
		if err != nil {
			return // what cannot be read was found by others
		}
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode < 200 {
			continue
		}
		n++
		var problem struct{ Code, Detail string }
		if r.StatusCode == 200 || json.Unmarshal(body, &problem) != nil {
			continue
		}
		if sentences[problem.Detail] == "" {
			t.Fatalf("request %d of %q is refused without a rule: %d %s: %q", n, raw, r.StatusCode, problem.Code, problem.Detail)
		}
	}
}
