// Package sticky takes hashes of requests, by which equal ones go the same way: to
// the same target of an upstream, or by the same rule. All gateways take the same.
package sticky

import (
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
)

// Key is what of a request decides which way it goes.
type Key struct {
	kind  string // ip, header, cookie or claim
	name  string
	claim claim.Path
}

// New makes one of a word: ip, header:NAME, cookie:NAME or claim:NAME.
func New(by string) *Key {
	k := new(Key)
	k.kind, k.name, _ = strings.Cut(by, ":")
	if k.kind == "claim" {
		k.claim = claim.Parse(k.name)
	}
	return k
}

// Of is the hash of x; false: x has nothing to take it of.
func (k *Key) Of(x *exchange.Exchange) (uint64, bool) {
	header := &x.HTTP.Request.Header
	switch k.kind {
	case "ip":
		ip := x.Address.As16()
		return Sum(ip[:]), x.Address.IsValid()
	case "header":
		value := header.Peek(k.name)
		return Sum(value), len(value) > 0
	case "cookie":
		value := header.Cookie(k.name)
		return Sum(value), len(value) > 0
	}
	value, _ := k.claim.Find(x.Caller.Claims)
	text, ok := claim.Text(value)
	return Sum(text), ok
}

// Sum is FNV-1a. It has no seed, so that every gateway sends equal keys to the
// same target, also after a restart.
func Sum[T ~string | ~[]byte](text T) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// Part spreads a hash evenly over what lies between 0 and 1.
func Part(h uint64) float64 { return (float64(mix(h)>>11) + 0.5) / (1 << 53) }

// mix spreads the bits of a hash (the finalizer of splitmix64).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
