package wire

import "errors"

// Refusal is why a request is not understood, with the status that says so. Its
// text names the rule and never what the caller sent.
type Refusal struct {
	Status int
	text   string
}

// Error is the rule that was broken.
func (r *Refusal) Error() string { return r.text }

// What a head can be refused for. In an answer of an upstream each of them is
// a bad gateway, whatever its status.
var (
	ErrLineEnd          = &Refusal{400, "a line does not end with CRLF (RFC 9112 2.2)"}
	ErrRequestLine      = &Refusal{400, "request line is not method, target, version with single spaces (RFC 9112 3)"}
	ErrTarget           = &Refusal{400, "request target is malformed (RFC 9112 3.2)"}
	ErrFieldName        = &Refusal{400, "a field name is not a token directly before its colon, or a line is folded (RFC 9112 5)"}
	ErrFieldValue       = &Refusal{400, "a field value holds a control character (RFC 9110 5.5)"}
	ErrHost             = &Refusal{400, "host is missing, malformed, repeated or not that of the target (RFC 9112 3.2)"}
	ErrContentLength    = &Refusal{400, "content-length is not one number (RFC 9110 8.6)"}
	ErrTransferEncoding = &Refusal{400, "transfer-encoding is repeated, beside content-length, or not of HTTP/1.1 (RFC 9112 6.1)"}
	ErrAuthorization    = &Refusal{400, "there are two authorization fields (RFC 9110 11.6.2)"}
	ErrConnection       = &Refusal{400, "connection does not hold field names, or more than 64 (RFC 9110 7.6.1)"}
	ErrHead             = &Refusal{400, "header section is malformed"}
	ErrTimeout          = &Refusal{408, "request took too long to arrive"}
	ErrTargetTooLong    = &Refusal{414, "request line is longer than limits.header_size"}
	ErrExpect           = &Refusal{417, "expectation is not 100-continue (RFC 9110 10.1.1)"}
	ErrHeadTooLong      = &Refusal{431, "header section is longer than limits.header_size"}
	ErrTooManyFields    = &Refusal{431, "header section has more than 256 fields"}
	ErrMethod           = &Refusal{501, "method is CONNECT, TRACE or not upper-case letters and hyphens"}
	ErrCoding           = &Refusal{501, "transfer coding is not chunked alone"}
	ErrVersion          = &Refusal{505, "HTTP version is neither 1.0 nor 1.1"}
)

// What can happen to a body or an answer under way.
var (
	ErrStatusLine = errors.New("status line is malformed")
	ErrFraming    = errors.New("answer has no single length (RFC 9112 6.3)")
	ErrChunk      = errors.New("chunk is malformed (RFC 9112 7.1)")
	ErrTrailers   = errors.New("trailer section is malformed or too long")
	ErrIdle       = errors.New("connection was silent for too long")
	ErrSlow       = errors.New("body arrived below limits.body_rate")
	ErrUnread     = errors.New("answer was taken below limits.answer_rate")
	ErrGone       = errors.New("caller has left")
	ErrDeadline   = errors.New("exchange took longer than max_duration")
)
