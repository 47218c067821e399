// Package exchange is what travels through the gateway: one request, its
// answer, and the chain of policies both walk. It knows how neither is read or
// sent; that is gateway/session.go and gateway/upstream.
package exchange

import (
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/problem"
	"postern/gateway/trace"
	"postern/gateway/wire"
)

// Handler answers an exchange, or returns the problem that ended it.
type Handler func(x *Exchange) error

// Policy wraps a handler with a rule. It is built once, at load.
type Policy func(next Handler) Handler

// Chain puts policies around last, the first one outermost.
func Chain(last Handler, policies ...Policy) Handler {
	for i := len(policies) - 1; i >= 0; i-- {
		last = policies[i](last)
	}
	return last
}

// Exchange is one request on its way through the gateway and back. It belongs
// to one goroutine and is pooled: neither it nor a byte slice out of it is kept
// after the AtEnd functions have run.
type Exchange struct {
	// HTTP is the request as fasthttp parsed it, to be read; on HTTP/2 it is a
	// filled stand-in. A handler that answers by itself writes HTTP.Response.
	HTTP *fasthttp.RequestCtx
	// Stream is what HTTP/2 adds; nil on HTTP/1.1.
	Stream *Stream
	// Head is the request's header section as it will be forwarded. Changes are
	// made here only; they show in HTTP.Request.Header too.
	Head wire.Head
	// Body is the request's body, not yet read; nil when there is none.
	Body *wire.Body
	// Answer is the upstream's; its Status is 0 when the gateway answers
	// through HTTP.Response.
	Answer Answer
	// Fields are what policies add to whatever answer there will be, problems
	// included.
	Fields wire.Head
	// Message is gateway/message's own slot: the body, once a policy has read it.
	Message any
	// Record is gateway/policy/invocationlog's own slot: what it will tell of x.
	Record any
	// Request is how the request is framed.
	Request wire.Request
	// Conn is the caller's connection, for interim answers and to see whether
	// the caller has left; nil on HTTP/2.
	Conn *wire.Conn

	ID       []byte    // request id, safe to print
	Started  time.Time // when the head began to arrive
	Shard    uint32    // spreads what many exchanges count or share; fixed per connection
	Deadline time.Time // of the whole exchange; zero: none

	Trace trace.Context // where x stands in a trace; zero without tracing
	Steps Steps

	Peer    netip.AddrPort // the socket's other end
	Caller  Caller
	Address netip.Addr // who calls: Peer, or what a trusted proxy says
	Trusted bool       // Peer is a trusted proxy
	Secure  bool       // came over TLS
	// Certificate is the thumbprint (x5t#S256) of the certificate that the caller
	// has shown over TLS, here or to a trusted proxy; "": none.
	Certificate string
	TLS         uint16 // its version, as crypto/tls numbers it; 0: none
	// Proved is the token whose holder has proved to have its key (RFC 9449); "":
	// none. It borrows the request's memory.
	Proved string

	Presented Presented // what may be taken off Head before it is forwarded

	Path  []byte // canonical path: what is matched and forwarded
	Rest  []byte // the part of Path after the API's prefix; empty or begins with a slash
	Query []byte // after the question mark, byte for byte; nil without one

	// Sent is what the upstream is asked for where a policy has changed that.
	Sent Sent

	API   string // the matched API, name/version; "" before a match
	Route string // the matched resource's template, below the API's prefix
	Rule  string // the rule that says where it goes; "": none does
	// Forward, when not nil, sends it there, in place of its API's upstream.
	Forward  Handler
	Upstream string // the target that answered or failed
	Attempts int    // requests sent upstream
	Upgrade  []byte // the protocol that the upstream is asked to switch to; nil: none
	// Tell, when not nil, writes what the caller is told of a problem to
	// HTTP.Response, in place of the problem itself. Answer is still there then.
	Tell func(*Exchange, *problem.Problem)

	Problem string // code of the problem that ended it; ""
	Reason  string // why, for the log only; never sent
	// UpstreamTime is from the first attempt's begin to the answer's head.
	UpstreamTime time.Duration
	// AnswerTime is the part of it after the request's body had been sent: what
	// callers take for that says nothing of the upstream. 0: it had not been.
	AnswerTime time.Duration

	// Done, when not nil, runs once after the AtEnd functions. It is the
	// gateway's own slot, so that ending an exchange makes no closure.
	Done func(*Exchange, End)

	ends []func(End)
}

// Sent is a request's line as it is forwarded. What it leaves empty is the
// caller's; Exchange.Query has no other form.
type Sent struct {
	Method []byte
	Rest   []byte // in place of Exchange.Rest; nil: as it is
}

// SentMethod is the method that the upstream is asked with.
func (x *Exchange) SentMethod() []byte {
	if len(x.Sent.Method) > 0 {
		return x.Sent.Method
	}
	return x.HTTP.Request.Header.Method()
}

// SentRest is what follows the API's prefix in the path that is forwarded.
func (x *Exchange) SentRest() []byte {
	if x.Sent.Rest != nil {
		return x.Sent.Rest
	}
	return x.Rest
}

// Presented is the credentials of a request, as the policies that judge them have
// found them. All of it borrows the request's memory.
type Presented struct {
	Token, Key    string // "": none
	Authorization []byte // the field; nil: none, or no policy has looked
}

// Steps is when parts of an exchange ran, for its spans; zero where they did
// not. Identification is noted of sampled exchanges only.
type Steps struct {
	Identify     time.Time // when it began
	IdentifyTime time.Duration
	Outcome      string    // of it: cached, verified, anonymous, missing or refused; without a token found
	Forward      time.Time // when UpstreamTime began
}

// Caller is who calls, as far as the policies have found out.
type Caller struct {
	Subject string
	Issuer  string
	Scopes  []string
	Claims  map[string]any // verified; shared, not to be changed
	Expires time.Time      // when its token is believed no longer; zero: not known
	// User is one of the gateway's users that the caller has proved to be; "": none.
	User   string
	Groups []string // of User; shared, not to be changed
	// By is what identified the caller: token, api_key, basic, certificate, ip,
	// hostname or payload, the first of them if there were several; "": nothing.
	By string
	// Application is the one the caller speaks for; empty when none was found.
	Application Application
	// Anonymous says that the caller has presented nothing and was let in. Asks is
	// then the answer that asks it who it is; nil otherwise.
	Anonymous bool
	Asks      error
}

// Application names an application.
type Application struct{ Name, ID string }

// Answer is an upstream's answer: the head is here, the body is still to come.
type Answer struct {
	Status int
	Reason []byte // reason phrase as received
	Length int64  // content-length as received, also of an answer to HEAD; -1: none
	Head   wire.Head
	Body   *wire.Body // nil when there is none, also for HEAD
	// Message is gateway/message's own slot: the body, once a policy has read it.
	Message any
	// Close says that the caller's connection must end after this answer.
	Close bool
	// Release ends the upstream's side: clean says that the body was relayed to
	// its end. It ends a running upload, and is called exactly once. Nothing of
	// the Answer is used afterwards.
	Release func(clean bool)
	// Tunnel, when not nil, carries bytes both ways after the head of a 101 has
	// been sent, until both sides have ended. It gives the caller's reader to
	// readers. Release must follow.
	Tunnel func(readers *wire.Readers) Tunnelled
}

// Tunnelled is how a connection that had switched protocols ended.
type Tunnelled struct {
	Sent, Received int64 // bytes to the caller, and from it
	Duration       time.Duration
	Reason         string // who or what ended it
	Err            error  // why that was before both sides were done; nil
}

// Stream is what HTTP/2 adds to an exchange.
type Stream struct{}

// End is what is known once the last byte has left or failed.
type End struct {
	Status   int
	Sent     int64 // body bytes sent to the caller
	Received int64 // body bytes received from the caller
	Err      error // why the answer is not whole; nil when it is
	Duration time.Duration
	Tunnel   time.Duration // the part of Duration after a 101
}

// AtEnd lets f run once the last byte has left or failed. Functions run in
// reverse order of their registration.
func (x *Exchange) AtEnd(f func(End)) { x.ends = append(x.ends, f) }

// Finish runs the AtEnd functions and then Done; the server calls it exactly
// once. All of them run, also when one panics.
func (x *Exchange) Finish(e End) {
	if n := len(x.ends); n > 0 {
		f := x.ends[n-1]
		x.ends = x.ends[:n-1]
		defer x.Finish(e)
		f(e)
		return
	}
	if done := x.Done; done != nil {
		x.Done = nil
		done(x, e)
	}
}

// Reset makes x ready for its next request; buffers are kept.
func (x *Exchange) Reset() {
	x.Head.Reset()
	x.Answer.Head.Reset()
	x.Fields.Reset()
	*x = Exchange{
		HTTP:   x.HTTP,
		Head:   x.Head,
		Answer: Answer{Head: x.Answer.Head},
		Fields: x.Fields,
		ID:     x.ID[:0],
		Path:   x.Path[:0],
		ends:   x.ends[:0],
	}
}
