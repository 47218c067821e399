// Package problem is what a caller is told when the gateway speaks for itself:
// RFC 9457 problem details, and the table of every code there is.
package problem

import (
	"time"
)

// Problem is an error with an answer. Code is stable; Detail is safe for the
// caller; Cause is logged and never sent.
type Problem struct {
	Code, Title, Detail string
	Status              int
	Cause               error
	RetryAfter          time.Duration // 0: no Retry-After
	Challenge           string        // WWW-Authenticate; "": none
	Allow               string        // Allow, on 405
	Nonce               string        // DPoP-Nonce (RFC 9449 9); "": none
	Errors              []Fault       // what is wrong with a message, one by one; nil: not said so
}

// Fault is one thing that is wrong with a message. All of it is safe for the
// caller.
type Fault struct {
	In      string // the part of the message: body, query, path, header, cookie or status
	Pointer string // a place in that part (RFC 6901); parameters and headers are its members
	Detail  string
}

// Challenge is how a caller without a token is asked for one (RFC 6750 3).
const Challenge = `Bearer realm="postern"`

// OtherChallenge is what a 401 says where no scheme fits by which callers could
// present something: RFC 9110 15.5.2 asks for a challenge in any case.
const OtherChallenge = `Postern realm="postern"`

// The table: every problem a caller can meet.
var (
	BadRequest               = &Problem{Code: "bad_request", Status: 400, Title: "The request is malformed"}
	BadPath                  = &Problem{Code: "bad_path", Status: 400, Title: "The path is not acceptable"}
	RequestInvalid           = &Problem{Code: "request_invalid", Status: 400, Title: "The request is not as the API defines it"}
	TokenMissing             = &Problem{Code: "token_missing", Status: 401, Title: "A token is required", Challenge: Challenge}
	InvalidToken             = &Problem{Code: "invalid_token", Status: 401, Title: "The token is not acceptable", Challenge: Challenge + `, error="invalid_token"`}
	Unidentified             = &Problem{Code: "unidentified", Status: 401, Title: "The caller is not identified", Challenge: OtherChallenge}
	InvalidCredential        = &Problem{Code: "invalid_credential", Status: 401, Title: "The credential is not acceptable", Challenge: OtherChallenge}
	InsufficientScope        = &Problem{Code: "insufficient_scope", Status: 403, Title: "The token does not allow this", Challenge: Challenge + `, error="insufficient_scope"`}
	Forbidden                = &Problem{Code: "forbidden", Status: 403, Title: "The caller is not allowed to do this"}
	ProtocolNotAllowed       = &Problem{Code: "protocol_not_allowed", Status: 403, Title: "This API is not offered over this protocol"}
	AddressNotAllowed        = &Problem{Code: "address_not_allowed", Status: 403, Title: "Calls from this address are not allowed"}
	OriginNotAllowed         = &Problem{Code: "origin_not_allowed", Status: 403, Title: "Pages of this origin may not use this API"}
	HeaderNotAllowed         = &Problem{Code: "header_not_allowed", Status: 403, Title: "Pages of other origins may not set this header"}
	NotFound                 = &Problem{Code: "not_found", Status: 404, Title: "There is nothing here"}
	MethodNotAllowed         = &Problem{Code: "method_not_allowed", Status: 405, Title: "The method is not allowed here"}
	RequestTimeout           = &Problem{Code: "request_timeout", Status: 408, Title: "The request took too long to arrive"}
	ContentTooLarge          = &Problem{Code: "content_too_large", Status: 413, Title: "The request body is too large"}
	URITooLong               = &Problem{Code: "uri_too_long", Status: 414, Title: "The request target is too long"}
	UnsupportedMediaType     = &Problem{Code: "unsupported_media_type", Status: 415, Title: "The type or encoding of the request body is not supported"}
	ExpectationFailed        = &Problem{Code: "expectation_failed", Status: 417, Title: "The expectation cannot be met"}
	TooManyRequests          = &Problem{Code: "too_many_requests", Status: 429, Title: "There have been too many requests"}
	HeaderTooLarge           = &Problem{Code: "header_too_large", Status: 431, Title: "The request header is too large"}
	Internal                 = &Problem{Code: "internal", Status: 500, Title: "The gateway failed"}
	NotImplemented           = &Problem{Code: "not_implemented", Status: 501, Title: "The gateway does not do this"}
	UpstreamFailed           = &Problem{Code: "upstream_failed", Status: 502, Title: "The service could not be reached"}
	UpstreamInvalid          = &Problem{Code: "upstream_invalid", Status: 502, Title: "The service answered with something that is not HTTP"}
	UpstreamFault            = &Problem{Code: "upstream_fault", Status: 502, Title: "The service answered with an error"}
	AnswerInvalid            = &Problem{Code: "answer_invalid", Status: 502, Title: "The service answered otherwise than the API defines it"}
	AnswerUnreadable         = &Problem{Code: "answer_unreadable", Status: 502, Title: "The service answered with something that cannot be looked into"}
	KeysUnavailable          = &Problem{Code: "keys_unavailable", Status: 503, Title: "Tokens cannot be checked right now", RetryAfter: 5 * time.Second}
	IntrospectionUnavailable = &Problem{Code: "introspection_unavailable", Status: 503, Title: "Tokens cannot be checked right now", RetryAfter: 5 * time.Second}
	LimitsUnavailable        = &Problem{Code: "limits_unavailable", Status: 503, Title: "Limits cannot be checked right now", RetryAfter: 5 * time.Second}
	Overloaded               = &Problem{Code: "overloaded", Status: 503, Title: "The gateway has too much to do", RetryAfter: time.Second}
	CircuitOpen              = &Problem{Code: "circuit_open", Status: 503, Title: "The service has failed and is given a rest", RetryAfter: time.Second}
	UpstreamTimeout          = &Problem{Code: "upstream_timeout", Status: 504, Title: "The service did not answer in time"}
	VersionNotSupported      = &Problem{Code: "version_not_supported", Status: 505, Title: "The HTTP version is not supported"}
)

// CallerGone ends an exchange whose caller has left: it is logged and counted,
// and nobody is there to be told.
var CallerGone = &Problem{Code: "caller_gone", Status: 499, Title: "The caller has left"}

// Table lists every problem that a caller can be told, for what must agree with it.
func Table() []*Problem {
	return []*Problem{
		BadRequest, BadPath, RequestInvalid, TokenMissing, InvalidToken, Unidentified, InvalidCredential, InsufficientScope, Forbidden, ProtocolNotAllowed, AddressNotAllowed, OriginNotAllowed, HeaderNotAllowed, NotFound, MethodNotAllowed,
		RequestTimeout, ContentTooLarge, URITooLong, UnsupportedMediaType, ExpectationFailed, TooManyRequests, HeaderTooLarge, Internal, NotImplemented,
		UpstreamFailed, UpstreamInvalid, UpstreamFault, AnswerInvalid, AnswerUnreadable, KeysUnavailable, IntrospectionUnavailable, LimitsUnavailable, Overloaded, CircuitOpen, UpstreamTimeout, VersionNotSupported,
	}
}

// Error is the code and the cause, for the log.
func (p *Problem) Error() string {
	if p.Cause == nil {
		return p.Code
	}
	return p.Code + ": " + p.Cause.Error()
}

// Unwrap is the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Is makes errors.Is compare by code, so that copies still match.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

// Because is a copy with a cause.
func (p *Problem) Because(cause error) *Problem {
	q := *p
	q.Cause = cause
	return &q
}
