package upstream

import (
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
)

// hashKey is what of a request decides which target it goes to.
type hashKey struct {
	kind  string // ip, header, cookie or claim
	name  string
	claim claim.Path
}

func newHashKey(by string) *hashKey {
	k := new(hashKey)
	k.kind, k.name, _ = strings.Cut(by, ":")
	if k.kind == "claim" {
		k.claim = claim.Parse(k.name)
	}
	return k
}

// of is the hash of x; false: x has nothing to take it of.
func (k *hashKey) of(x *exchange.Exchange) (uint64, bool) {
	header := &x.HTTP.Request.Header
	switch k.kind {
	case "ip":
		ip := x.Address.As16()
		return fnv(ip[:]), x.Address.IsValid()
	case "header":
		value := header.Peek(k.name)
		return fnv(value), len(value) > 0
	case "cookie":
		value := header.Cookie(k.name)
		return fnv(value), len(value) > 0
	}
	value, _ := k.claim.Find(x.Caller.Claims)
	text, ok := claim.Text(value)
	return fnv(text), ok
}

// fnv is FNV-1a. It has no seed, so that every gateway sends equal keys to the
// same target, also after a restart.
func fnv[T ~string | ~[]byte](text T) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// mix spreads the bits of a hash (the finalizer of splitmix64).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
