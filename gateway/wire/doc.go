// Package wire is HTTP/1.1 as bytes, for both sides of the gateway: strict
// heads, bodies and their trailers, and connections with idle limits and abort
// detection. It decides where a message begins and ends and refuses whatever
// two readers could understand differently (RFC 9112). It knows neither routes
// nor policies, and it imports nothing of the project.
//
//	peek.go       waits for a whole head and bounds it
//	head.go       its fields, read and changed as bytes; field.go knows what they are to a proxy
//	request.go    what a request's head says of framing and connection; response.go the same of an answer's
//	upgrade.go    what it says of another protocol; tracecontext.go of a trace
//	body.go       a body as it arrives; chunk.go where it comes in chunks
//	relay.go      from one side to the other, in pieces; tap.go lets others see them, and plays a kept body
//	conn.go       a connection with limits on silence; flow.go how fast its peer takes what is written
//	tunnel.go     the same connection when it speaks HTTP no more
//	refusal.go    why a message is not accepted
//
// What asks the system, in watch_linux.go and unsent_linux.go, has a stand-in
// for other systems beside it.
package wire
