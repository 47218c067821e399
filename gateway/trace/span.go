package trace

import (
	"strings"
	"time"
)

// Kind is which side of a request a span is.
type Kind uint8

// The kinds there are.
const (
	Internal Kind = iota
	Server
	Client
)

// Span is a finished span as plain values.
type Span struct {
	Trace      ID
	ID         SpanID
	Parent     SpanID // zero: none
	State      string // tracestate of the trace
	Kind       Kind
	Remote     bool // Parent is another process's
	Name       string
	Begin, End time.Time
	Attributes []Attribute
	Failed     bool
}

// Attribute says one thing of a span: a text, or a number.
type Attribute struct {
	Key, Text string
	Number    int64
	IsNumber  bool
}

// maxText bounds what a stranger may put into a span.
const maxText = 1024

// Text is an attribute with a text, cut to 1 KiB and made valid UTF-8, without
// which a collector would refuse the whole batch. Bytes are copied.
func Text[T string | []byte](key string, text T) Attribute {
	text = text[:min(len(text), maxText)]
	return Attribute{Key: key, Text: strings.ToValidUTF8(string(text), "\uFFFD")}
}

// Number is an attribute with a number.
func Number(key string, number int64) Attribute {
	return Attribute{Key: key, Number: number, IsNumber: true}
}
