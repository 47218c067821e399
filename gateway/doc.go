// Package gateway serves requests. The path of one request, with the files:
//
//	server.go      accepts connections that admission.go lets in; session.go reads heads, strictly by wire; drain.go ends both
//	gateway.go     Handle: holds the live generation, answers errors, and never panics
//	generation.go  serve: canonical path, route, chain
//	chain.go       the policies of a route and their order; each is a folder of policy
//	upstream       forward.go: balance.go picks a target, retry.go another one; returns with the answer's head
//	answer.go      an error becomes a problem, told as wording.go found out; the only place the gateway speaks for itself
//	session.go     writes the answer and relays its body
//	accesslog.go   one line per exchange, when the last byte has left; accessline.go is the line
//
// On the way, where they are asked for:
//
//	requestid.go, tracing.go, spans.go   ids, and what a trace hears of an exchange
//	forwarded.go, certify.go             which address and certificate a trusted proxy vouches for
//	resource.go                          metadata of protected resources
//	tunnel.go                            the bytes that follow a 101
//	overdue.go                           which limit on time has ended an exchange
//	route.go                             where rules send requests
//	throttle.go                          whose counters a limit on requests uses
//	concurrency.go                       whose places a bound on requests at once uses
//	caching.go                           whose answers a cache keeps
//	sharing.go                           the store that copies share
//	destinations.go                      where events go
//	invocations.go, monitors.go          what events tell of requests, and of intervals
//	passwords.go                         who can show a password
//	mask.go, sampler.go                  what lines do not say, and how often they say it
//
// A configuration becomes a generation: built by build.go beside the live one
// without any side effect, then live by one atomic store in gateway.go. What
// outlives it is in carry.go. A request sees exactly one generation, which ends
// when the last request has left it.
//
// Around it: serve.go opens and closes the listeners, tls.go says how https
// speaks; status.go, certificates.go and counts.go tell operators and metrics
// how it stands, refresh.go fetches keys for them; exporting.go sends spans;
// definitions.go compiles what APIs say of themselves;
// rehearse.go plays a request for the command explain.
package gateway
