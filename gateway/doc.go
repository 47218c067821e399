// Package gateway serves requests. The path of one request, with the files:
//
//	server.go      accepts connections that admission.go lets in; session.go reads heads, strictly by wire; drain.go ends both
//	gateway.go     Handle: holds the live generation, answers errors, and never panics
//	generation.go  serve: canonical path, route, chain
//	chain.go       the policies of a route and their order; each is a folder of policy
//	upstream       forward.go: balance.go picks a target, retry.go another one; returns with the answer's head
//	answer.go      an error becomes a problem; the only place the gateway speaks for itself
//	session.go     writes the answer and relays its body
//	accesslog.go   one line per exchange, when the last byte has left; accessline.go is the line
//
// A configuration becomes a generation: built beside the live one without any
// side effect, then live by one atomic store in gateway.go. What outlives it is
// in carry.go. A request sees exactly one generation, which ends when the last
// request has left it.
package gateway
