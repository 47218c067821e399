// Package wire is HTTP/1.1 as bytes, for both sides of the gateway: strict
// heads, bodies and their trailers, and connections with idle limits and abort
// detection. It decides where a message begins and ends and refuses whatever
// two readers could understand differently (RFC 9112). It knows neither routes
// nor policies, and it imports nothing of the project.
package wire
