// Package upstream is where requests go: which target takes one, connections to
// targets, how a request is written to them, and how their answer is read. It
// never buffers a body, unless a retry was asked for.
//
//	upstream.go   the targets of one API, carried over reloads; the entry is Forward
//
//	forward.go    one request: attempts, the answer's head, what failures are called
//	gate.go       how many requests may be under way or wait
//	balance.go    which target takes it, by a hash of gateway/sticky where it sticks to one
//	retry.go      whether and where it is sent again
//	head.go       what is written to the target; upload.go its body, beside the answer
//	conn.go       a connection with the exchange on it, until it is idle or closed
//
//	target.go     one address, shared by successive generations
//	names.go      the addresses behind a name; dial.go connects to one
//	pool.go       idle connections
//
//	triggers.go   how an attempt can end, and which ends a section means
//	ejection.go   targets left out because requests fail
//	health.go     targets asked beside the requests
//	breaker.go    targets given a rest
//	status.go     how targets stand, for operators
//
//	upgrade.go    which requests may switch protocols, and whether they have
//	tunnel.go     what flows then, and what ends it
package upstream
