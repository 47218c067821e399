// Package event writes the events that gateways tell of, in the words that sinks
// of webMethods know: a JSON object each, on one line. Whatever strangers have
// sent is in strings, escaped, so that no event can be taken for two.
package event

import (
	"strconv"
	"time"

	"postern/gateway/quote"
)

// Kind is what an event is about.
type Kind uint8

// The kinds there are, in the order of their words in config.EventKinds.
const (
	Transactional      Kind = iota // a request that the policies let pass
	Error                          // one that could not be served
	PolicyViolation                // one that a policy has refused
	Monitor                        // an alert
	Lifecycle                      // the gateway itself
	PerformanceMetrics             // the figures of an interval

	Kinds // how many there are
)

var names = [Kinds]string{"Transactional", "Error", "PolicyViolation", "Monitor", "Lifecycle", "PerformanceMetrics"}

// String is the eventType.
func (k Kind) String() string { return names[k] }

// Begin appends the beginning of an event, with what all have. node names the
// gateway's host.
func Begin(b []byte, kind Kind, at time.Time, node string) []byte {
	b = append(append(b, `{"eventType":"`...), names[kind]...)
	b = at.UTC().AppendFormat(append(b, `","@timestamp":"`...), "2006-01-02T15:04:05.000Z")
	b = strconv.AppendInt(append(b, `","creationDate":`...), at.UnixMilli(), 10)
	return Text(append(b, `,"sourceGateway":"Microgateway"`...), "sourceGatewayNode", node)
}

// Text appends a member with a string. key is a plain word.
func Text[T ~string | ~[]byte](b []byte, key string, value T) []byte {
	return quote.Append(member(b, key), value)
}

// Int appends a member with a number.
func Int(b []byte, key string, value int64) []byte {
	return strconv.AppendInt(member(b, key), value, 10)
}

// Millis appends a member with whole milliseconds.
func Millis(b []byte, key string, d time.Duration) []byte {
	return Int(b, key, max(d, 0).Milliseconds())
}

// True appends a member that is true.
func True(b []byte, key string) []byte { return append(member(b, key), "true"...) }

// Raw appends a member with a value that is JSON already.
func Raw[T ~string | ~[]byte](b []byte, key string, value T) []byte {
	return append(member(b, key), value...)
}

func member(b []byte, key string) []byte {
	return append(append(append(b, ',', '"'), key...), '"', ':')
}

// End appends the end of an event, and of its line.
func End(b []byte) []byte { return append(b, '}', '\n') }
