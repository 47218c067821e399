package wire

import (
	"crypto/sha1" // RFC 6455 names it; nothing is kept secret by it
	"encoding/base64"
)

// Offers returns the first protocol that the head of a request offers to switch
// to and that allowed holds, as the caller spells it; nil when there is none.
// Upgrade counts only beside "Connection: upgrade" (RFC 9110 7.8), and names are
// compared without case. It borrows from the head.
func (h *Head) Offers(allowed []string) []byte {
	if !h.upgrading {
		return nil
	}
	for i := range h.lines {
		l := &h.lines[i]
		if l.field != upgrade {
			continue
		}
		for list := l.value; len(list) > 0; {
			var protocol []byte
			protocol, list = nextToken(list)
			for _, a := range allowed {
				if equalFold(protocol, a) {
					return protocol
				}
			}
		}
	}
	return nil
}

// SwitchesTo reports whether the head of a 101 switches to protocol, and to
// nothing else.
func (h *Head) SwitchesTo(protocol []byte) bool {
	found := 0
	for i := range h.lines {
		if l := &h.lines[i]; l.field == upgrade {
			if !equalFold(l.value, string(protocol)) {
				return false
			}
			found++
		}
	}
	return h.upgrading && found == 1
}

// WebSocketKey returns the key of a handshake; nil unless there is exactly one,
// of 16 bytes in base64 (RFC 6455 4.1).
func (h *Head) WebSocketKey() []byte {
	key := h.only("Sec-WebSocket-Key")
	var nonce [18]byte
	if len(key) != 24 {
		return nil
	}
	if n, err := base64.StdEncoding.Strict().Decode(nonce[:], key); err != nil || n != 16 {
		return nil
	}
	return key
}

// AcceptsWebSocket reports whether the head of a 101 proves that its sender has
// read key as that of a handshake (RFC 6455 4.2.2).
func (h *Head) AcceptsWebSocket(key []byte) bool {
	sum := sha1.Sum(append(append(make([]byte, 0, 60), key...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	var want [28]byte
	base64.StdEncoding.Encode(want[:], sum[:])
	return string(h.only("Sec-WebSocket-Accept")) == string(want[:])
}

// only returns the value of the one line named name; nil when there is none or
// another.
func (h *Head) only(name string) (value []byte) {
	found := 0
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && equalFold(l.name, name) {
			value = l.value
			found++
		}
	}
	if found != 1 {
		return nil
	}
	return value
}

// Upgrading reports whether the head of a request offers to switch protocols.
func (h *Head) Upgrading() bool { return h.upgrading }
