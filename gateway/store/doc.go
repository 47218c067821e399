// Package store is what copies of the gateway share, in one Redis or Valkey:
// counters, so far.
//
//	store.go     Store: answers in time, or says that it is away
//	take.go      counts a request against a quota.Rule
//	scripts.go   what runs inside Redis, each script atomic and by its clock
//	keeper.go    one goroutine that connects, watches and connects again
//	session.go   the connections of one time without trouble
//	conn.go      one connection: one question at a time
//	guard.go     bounds what the client has to read
//	seen.go      what this copy knows of counters, for a Redis that has lost them
//
// Whoever asks waits for the timeout at most. After a few failures in a row the
// session ends: from then on asking costs one atomic load, and only the keeper
// tries to connect, until Redis takes a write again in time.
//
// A Redis that has lost its memory (a restart without persistence, FLUSHALL, a
// failover to an empty one) is noticed by a key that says since when it
// remembers. Every copy then tells it the counters it has seen, and none counts
// on them before all have had the time to.
//
// Why redigo: it speaks RESP over a connection that it is given, in the goroutine
// that asks, and leaves everything else alone. rueidis pipelines over shared
// connections: its readers panic on what no server should send, in goroutines
// that nobody can guard, its queue makes callers wait beyond their deadline, a
// lost connection is dialed by a request, and it adds 10 MB to the binary.
package store
