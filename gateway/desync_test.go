package gateway

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// next follows every message of the table: what is taken for a body cannot be a
// request, and the other way round.
const next = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"

// smuggled are messages by which one reader has been played against another, with
// the sentence by which each is judged.
var smuggled = []struct {
	name, rule, sent string
	status           int
	heard            []heardRequest // by the target, of sent
	lives            bool           // the connection, so that next is a request
}{
	{"length and coding", `RFC 9112 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"coding and length", `RFC 9112 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"length of nothing and coding", `RFC 9112 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"two lengths", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\nabcd", 400, nil, false},
	{"two equal lengths", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400, nil, false},
	{"list of lengths", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", 400, nil, false},
	{"signed length", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", 400, nil, false},
	{"negative length", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\nabcd", 400, nil, false},
	{"hexadecimal length", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd", 400, nil, false},
	{"length with a point", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4.0\r\n\r\nabcd", 400, nil, false},
	{"length with a space", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4 0\r\n\r\nabcd", 400, nil, false},
	{"empty length", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabcd", 400, nil, false},
	{"quoted length", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \"4\"\r\n\r\nabcd", 400, nil, false},
	{"length beyond 64 bits", `RFC 9112 6.3: "with an invalid Content-Length header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551620\r\n\r\nabcd", 400, nil, false},
	{"length with zeros before", `RFC 9110 8.6: "Content-Length = 1*DIGIT"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0004\r\n\r\nabcd", 200, []heardRequest{{"POST", "/", "a", "abcd"}}, true},
	{"length of a GET", `RFC 9112 6: "The presence of a message body in a request is signaled by a Content-Length or Transfer-Encoding header field"`, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", 200, []heardRequest{{"GET", "/", "a", "abcd"}}, true},
	{"request inside a body", `RFC 9112 6: "Request message framing is independent of method semantics"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\nGET /in HTTP/1.1\r\nHost: evil\r\n\r\n--", 200, []heardRequest{{"POST", "/", "a", "GET /in HTTP/1.1\r\nHost: evil\r\n\r\n--"}}, true},
	{"coding gzip", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding gzip, chunked", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding xchunked", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding chunked, identity", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding quoted", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding with a parameter", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding with a comma", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding twice in a list", `RFC 9112 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with 501 (Not Implemented)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501, nil, false},
	{"coding identity", `RFC 9112 6.3: "the chunked transfer coding is not the final encoding, the message body length cannot be determined reliably; the server MUST respond with the 400 (Bad Request)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"coding empty", `RFC 9112 6.3: "the chunked transfer coding is not the final encoding, the message body length cannot be determined reliably; the server MUST respond with the 400 (Bad Request)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\n0\r\n\r\n", 400, nil, false},
	{"coding twice", `RFC 9112 6.1: "A sender MUST NOT apply the chunked transfer coding more than once to a message body"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"coding in capitals", `RFC 9112 7: "All transfer-coding names are case-insensitive"`, "POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, []heardRequest{{"POST", "/", "a", "a"}}, true},
	{"coding on HTTP/1.0", `RFC 9112 6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat the message as if the framing is faulty"`, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"coding with a vertical tab", `RFC 9110 5.5: "a recipient of CR, LF, or NUL within a field value MUST either reject the message or replace"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"coding behind an underscore", `RFC 9110 5.1: "A proxy MUST forward unrecognized header fields unless" configured to block them: twins of names that are read here are`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nContent-Length: 1\r\n\r\na", 200, []heardRequest{{"POST", "/", "a", "a"}}, true},
	{"space before the colon of a coding", `RFC 9112 5.1: "A server MUST reject, with a response status code of 400 (Bad Request), any received request message that contains whitespace between a header field name and colon"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"space before the colon of a length", `RFC 9112 5.1: "A server MUST reject, with a response status code of 400 (Bad Request), any received request message that contains whitespace between a header field name and colon"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd", 400, nil, false},
	{"tab before a colon", `RFC 9112 5.1: "A server MUST reject, with a response status code of 400 (Bad Request), any received request message that contains whitespace between a header field name and colon"`, "POST / HTTP/1.1\r\nHost: a\r\nX\t: y\r\n\r\n", 400, nil, false},
	{"name with a NUL", `RFC 9110 5.1: "field-name = token"`, "GET / HTTP/1.1\r\nHost: a\r\nX\x00Y: z\r\n\r\n", 400, nil, false},
	{"name with a slash", `RFC 9110 5.1: "field-name = token"`, "GET / HTTP/1.1\r\nHost: a\r\nX/Y: z\r\n\r\n", 400, nil, false},
	{"name of no ASCII", `RFC 9110 5.1: "field-name = token"`, "GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa4: z\r\n\r\n", 400, nil, false},
	{"no name", `RFC 9110 5.1: "field-name = token"`, "GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n", 400, nil, false},
	{"no colon", `RFC 9110 5.1: "field-name = token"`, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\r\n\r\n", 400, nil, false},
	{"folded coding", `RFC 9112 5.2: "A server that receives an obs-fold in a request message [...] MUST either reject the message by sending a 400 (Bad Request)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, nil, false},
	{"folded length", `RFC 9112 5.2: "A server that receives an obs-fold in a request message [...] MUST either reject the message by sending a 400 (Bad Request)"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\t0\r\n\r\nabcd", 400, nil, false},
	{"space before the first field", `RFC 9112 2.2: "A recipient that receives whitespace between the start-line and the first header field MUST either reject the message as invalid or"`, "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, nil, false},
	{"bare CR in a value", `RFC 9112 2.2: "A recipient of such a bare CR MUST consider that element to be invalid or replace"`, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 4\r\n\r\n", 400, nil, false},
	{"bare CR for a line end", `RFC 9112 2.2: "A recipient of such a bare CR MUST consider that element to be invalid or replace"`, "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400, nil, false},
	{"bare CR in a request line", `RFC 9112 2.2: "A recipient of such a bare CR MUST consider that element to be invalid or replace"`, "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"bare LF after a field", `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"; it need not, and a proxy in front may not`, "POST / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 4\r\n\r\nabcd", 400, nil, false},
	{"bare LF for the empty line", `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"; it need not, and a proxy in front may not`, "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, nil, false},
	{"bare LF after the request line", `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"; it need not, and a proxy in front may not`, "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, nil, false},
	{"NUL in a value", `RFC 9110 5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous"`, "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400, nil, false},
	{"no host", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.1\r\n\r\n", 400, nil, false},
	{"two hosts", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.1\r\nHost: a\r\nHost: evil\r\n\r\n", 400, nil, false},
	{"two equal hosts", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, nil, false},
	{"list of hosts", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.1\r\nHost: a, evil\r\n\r\n", 400, nil, false},
	{"host with a user", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.1\r\nHost: a@evil\r\n\r\n", 400, nil, false},
	{"host with a path", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.1\r\nHost: a/evil\r\n\r\n", 400, nil, false},
	{"two hosts on HTTP/1.0", `RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host header field and to any request message that contains more than one Host header field line or a Host header field with an invalid field value"`, "GET / HTTP/1.0\r\nHost: a\r\nHost: evil\r\n\r\n", 400, nil, false},
	{"absolute-form of another host", `RFC 9112 3.2.2: "the origin server MUST ignore the received Host header field (if any) and instead use the host information of the request-target"; readers of both are never given two`, "GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"absolute-form of the host", `RFC 9112 3.2.2: "the origin server MUST ignore the received Host header field (if any) and instead use the host information of the request-target"; readers of both are never given two`, "GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 200, []heardRequest{{"GET", "/x?y", "a", ""}}, true},
	{"absolute-form with a user", `RFC 9112 3.2.2: "the origin server MUST ignore the received Host header field (if any) and instead use the host information of the request-target"; readers of both are never given two`, "GET http://evil@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"absolute-form without a host", `RFC 9112 3.2: "lacks a Host header field"`, "GET http://a/ HTTP/1.1\r\n\r\n", 400, nil, false},
	{"HTTP/0.9", `RFC 9112 3: "request-line = method SP request-target SP HTTP-version"`, "GET /\r\n\r\n", 400, nil, false},
	{"two spaces", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"space in a target", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"tab for a space", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"space after the version", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, nil, false},
	{"lower-case version", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GET / http/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"version with a zero before", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"version 1.2", `RFC 9110 15.6.6: 505 "indicates that the server does not support, or refuses to support, the major version of HTTP"`, "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, nil, false},
	{"fragment in a target", `RFC 9112 3.2.1: "origin-form = absolute-path [ "?" query ]"`, "GET /a#/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"NUL in a path", `RFC 9110 17.1 and RFC 3986 6.2.2: what readers normalise differently is not passed on`, "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, true},
	{"dot segments", `RFC 9110 17.1 and RFC 3986 6.2.2: what readers normalise differently is not passed on`, "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, true},
	{"escaped dot segments", `RFC 9110 17.1 and RFC 3986 6.2.2: what readers normalise differently is not passed on`, "GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, true},
	{"escaped slash", `RFC 9110 17.1 and RFC 3986 6.2.2: what readers normalise differently is not passed on`, "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, true},
	{"back slash", `RFC 9110 17.1 and RFC 3986 6.2.2: what readers normalise differently is not passed on`, "GET /a%5cb HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, true},
	{"broken escape", `RFC 9110 17.1 and RFC 3986 6.2.2: what readers normalise differently is not passed on`, "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, true},
	{"HTTP/1.0 that would be kept", `RFC 9112 9.3: a proxy "MUST NOT maintain a persistent connection with an HTTP/1.0 client" unless it knows it`, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 200, []heardRequest{{"GET", "/", "a", ""}}, false},
	{"close", `RFC 9112 9.6: "MUST NOT process any further requests received on that connection"`, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, []heardRequest{{"GET", "/", "a", ""}}, false},
	{"CONNECT", `RFC 9110 9.3.6: a server "MUST reject a CONNECT request that targets an empty or invalid port number"; tunnels are not offered`, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, nil, false},
	{"method with a control byte", `RFC 9112 3: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or"`, "GE\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, nil, false},
	{"upgrade to a protocol nobody offers", `RFC 9110 7.8: "A server MAY ignore a received Upgrade header field"`, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200, []heardRequest{{"GET", "/", "a", ""}}, true},
	{"upgrade with a body", `RFC 6455 4.1: "The method of the request MUST be GET"`, "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd", 400, nil, true},
	{"connection that names the length", `RFC 9110 7.6.1: "Intermediaries MUST parse a received Connection header field"; what frames a message stays`, "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 4\r\n\r\nabcd", 200, []heardRequest{{"POST", "/", "a", "abcd"}}, true},
	{"connection that names the host", `RFC 9110 7.6.1: as above`, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Host\r\n\r\n", 200, []heardRequest{{"GET", "/", "a", ""}}, true},
	{"chunk size beyond 64 bits", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"chunk size of 64 bits", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"chunk size with 0x", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"chunk size signed", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"chunk size after a space", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"no chunk size", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"chunk data longer than its size", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400, nil, false},
	{"chunk data without CRLF", `RFC 9112 7.1: "chunk-size = 1*HEXDIG", and "prevent parsing errors due to integer conversion overflows"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n", 400, nil, false},
	{"bare LF after a chunk size", `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"; it need not, and a proxy in front may not`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400, nil, false},
	{"bare LF after the last chunk", `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"; it need not, and a proxy in front may not`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n", 400, nil, false},
	{"bare LF in a chunk extension", `RFC 9112 2.2: "a recipient MAY recognize a single LF as a line terminator"; it need not, and a proxy in front may not`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"bare CR in a chunk extension", `RFC 9112 2.2: "A recipient of such a bare CR MUST consider that element to be invalid or replace"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n0\r\n\r\n", 400, nil, false},
	{"chunk extension", `RFC 9112 7.1.1: "A recipient MUST ignore unrecognized chunk extensions"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\na\r\n0;c\r\n\r\n", 200, []heardRequest{{"POST", "/", "a", "a"}}, true},
	{"coding in a trailer", `RFC 9110 6.5.1: a recipient "MUST NOT merge" a trailer field into the header section unless that is known to be safe; those of framing and routing are dropped`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", 200, []heardRequest{{"POST", "/", "a", "a"}}, true},
	{"length in a trailer", `RFC 9110 6.5.1: a recipient "MUST NOT merge" a trailer field into the header section unless that is known to be safe; those of framing and routing are dropped`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Length: 40\r\n\r\n", 200, []heardRequest{{"POST", "/", "a", "a"}}, true},
	{"host in a trailer", `RFC 9110 6.5.1: a recipient "MUST NOT merge" a trailer field into the header section unless that is known to be safe; those of framing and routing are dropped`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nHost: evil\r\n\r\n", 200, []heardRequest{{"POST", "/", "a", "a"}}, true},
	{"folded trailer", `RFC 9112 5.2: "A server that receives an obs-fold in a request message [...] MUST either reject the message by sending a 400 (Bad Request)"`, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n", 400, nil, false},
	{"empty line before", `RFC 9112 2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line (CRLF) received prior to the request-line"`, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, []heardRequest{{"GET", "/", "a", ""}}, true},
	{"expectation of something else", `RFC 9110 10.1.1: "MAY respond with a 417 (Expectation Failed)"`, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 200-ok\r\n\r\nabcd", 417, nil, false},
}

func TestSmuggling(t *testing.T) {
	u := newRecorder(t)
	g := start(t, bundle{target: u.address, limits: hasty, upstream: "host: caller"})
	for _, c := range smuggled {
		t.Run(c.name, func(t *testing.T) {
			if !strings.HasPrefix(c.rule, "RFC ") {
				t.Errorf("judged by %q", c.rule)
			}
			raw := []byte(c.sent + next)
			told, heard := g.say(raw), u.take(t)
			codes, want := []int{c.status}, slices.Clone(c.heard)
			if c.lives {
				codes, want = append(codes, 200), append(want, heardRequest{"GET", "/next", "next", ""})
			}
			if diff := cmp.Diff(want, heard); diff != "" {
				t.Errorf("forwarded (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(codes, agree(t, raw, told, heard)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}
