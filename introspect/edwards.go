package introspect

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
)

// smallOrder are the points of edwards25519 of an order that divides 8, in every
// encoding that Go reads, without the sign.
var smallOrder = [...]string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// weakEd25519 reports whether signatures that fit any message can be made for a
// key without knowing anything. Go accepts such keys, as RFC 8032 allows.
func weakEd25519(public ed25519.PublicKey) bool {
	point := bytes.Clone(public)
	point[len(point)-1] &= 0x7f
	text := hex.EncodeToString(point)
	for _, weak := range smallOrder {
		if text == weak {
			return true
		}
	}
	return false
}
