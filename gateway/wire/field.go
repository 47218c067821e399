package wire

import "encoding/binary"

// field is a field name that the gateway acts on, found once while a head is
// read.
type field uint8

const (
	other field = iota
	// Framing and the connection itself: hop-by-hop, RFC 9110 7.6.1.
	connection
	keepAlive
	proxyConnection
	proxyAuthenticate
	proxyAuthorization
	te
	transferEncoding
	upgrade
	http2Settings
	// Framing and routing that is read here and written anew.
	contentLength
	host
	expect
	trailer
	// Names that say who calls or what is asked, which "Connection" must not
	// remove and which must not stand a second time with another mark for "-".
	authorization
	cookie
	cacheControl
	contentType
	contentOther
	forwarded
	via
	xForwarded
	xRequestID
	xRealIP
	traceContext
)

// lastHop is the last of the hop-by-hop fields.
const lastHop = http2Settings

// hop reports whether f ends at this connection.
func (f field) hop() bool { return f >= connection && f <= lastHop }

// byLength holds the known names by their length, so that most names are told
// apart from all of them without a comparison.
var byLength = [...][]struct {
	name  string
	field field
}{
	2:  {{"te", te}},
	3:  {{"via", via}},
	4:  {{"host", host}},
	6:  {{"cookie", cookie}, {"expect", expect}},
	7:  {{"trailer", trailer}, {"upgrade", upgrade}},
	9:  {{"forwarded", forwarded}, {"x-real-ip", xRealIP}},
	10: {{"connection", connection}, {"keep-alive", keepAlive}, {"tracestate", traceContext}},
	11: {{"traceparent", traceContext}},
	12: {{"content-type", contentType}, {"x-request-id", xRequestID}},
	13: {{"authorization", authorization}, {"cache-control", cacheControl}, {"content-range", contentOther}},
	14: {{"content-length", contentLength}, {"http2-settings", http2Settings}},
	16: {{"proxy-connection", proxyConnection}, {"content-encoding", contentOther}, {"content-location", contentOther}, {"content-language", contentOther}},
	17: {{"transfer-encoding", transferEncoding}},
	18: {{"proxy-authenticate", proxyAuthenticate}},
	19: {{"proxy-authorization", proxyAuthorization}, {"content-disposition", contentOther}},
}

// forwardedPrefix begins the names by which proxies say for whom they forward.
// Whoever invents one more is not to be believed either.
const forwardedPrefix = "x-forwarded-"

// classify finds a name, other marks read as "-".
func classify(name []byte) field {
	if len(name) > len(forwardedPrefix) && SameName(name[:len(forwardedPrefix)], forwardedPrefix) {
		return xForwarded
	}
	if len(name) >= len(byLength) {
		return other
	}
	for _, known := range byLength[len(name)] {
		if SameName(name, known.name) {
			return known.field
		}
	}
	return other
}

// Byte classes of RFC 9110 5.6.2 and 5.5.
const (
	tokenByte = 1 << iota
	valueByte
	targetByte
	mark // a token byte that is no letter, digit or "-"
)

var classes = func() (t [256]uint8) {
	for c := 0; c < 256; c++ {
		if c >= 0x20 && c != 0x7f || c == '\t' {
			t[c] |= valueByte
		}
		if c > 0x20 && c < 0x7f {
			t[c] |= targetByte
		}
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			t[c] |= tokenByte
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		t[c] |= tokenByte
		if c != '-' {
			t[c] |= mark
		}
	}
	return t
}()

// all reports whether every byte of b is of the class.
func all(b []byte, class uint8) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

// isValue reports whether b may be a field value. Most are: eight bytes are
// looked at together, and one by one only where a control character shows, since
// a tab is allowed.
func isValue(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		del := x ^ 0x7f*ones
		if ((x-0x20*ones)&^x|(del-ones)&^del)&high != 0 && !all(b[:8], valueByte) {
			return false
		}
		b = b[8:]
	}
	return all(b, valueByte)
}

// IsToken reports whether b may be a field name or a method (RFC 9110 5.6.2).
func IsToken(b []byte) bool { return len(b) > 0 && all(b, tokenByte) }
