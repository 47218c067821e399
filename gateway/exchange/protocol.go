package exchange

import "bytes"

// OverTLS reports whether the caller came over TLS: what a trusted proxy says of
// its caller, and otherwise how the request came here. Of several words the last
// is the trusted proxy's own.
func (x *Exchange) OverTLS() bool {
	if !x.Trusted {
		return x.Secure
	}
	secure := x.Secure
	x.Head.Visit(func(name, value []byte) {
		if bytes.EqualFold(name, forwardedProto) {
			last := value[bytes.LastIndexByte(value, ',')+1:]
			secure = bytes.EqualFold(bytes.TrimSpace(last), https)
		}
	})
	return secure
}

// What OverTLS compares with.
var (
	forwardedProto = []byte("X-Forwarded-Proto")
	https          = []byte("https")
)
