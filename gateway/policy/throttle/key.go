package throttle

import (
	"crypto/sha256"
	"net/netip"
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// keyRoom is what most keys fit in; a longer one costs an allocation.
const keyRoom = 256

// maxPart is how long a part of a key may be. Of a longer one stands its hash, so
// that no caller makes keys large.
const maxPart = 64

// What a part begins with that has no length up to maxPart.
const (
	hashed = 0xff
	absent = 0xfe
)

// keys writes the keys that a rule counts under: a part for each of what it
// counts by. Two requests have the same key when they are the same in all of it.
type keys struct {
	parts   []part
	missing string
	bits    int // of an IPv6 address
}

// part is one of what a rule counts by.
type part struct {
	kind   string     // api, resource, application, subject, ip, claim or header
	claim  claim.Path // of a claim
	header string     // name of a header
}

func newKeys(cfg *config.Throttle) keys {
	k := keys{missing: cfg.Missing, bits: cfg.IPv6Prefix}
	for _, by := range cfg.By {
		kind, name, _ := strings.Cut(by, ":")
		p := part{kind: kind}
		switch kind {
		case "claim":
			p.claim = claim.Parse(name)
		case "header":
			p.header = name
		}
		k.parts = append(k.parts, p)
	}
	return k
}

// append writes the key of a request to dst. own is the id of the application
// that has an allowance of its own; "": none. counted is false for a request that
// the rule leaves alone.
func (k *keys) append(dst []byte, x *exchange.Exchange, own string) (key []byte, counted bool) {
	key = dst
	if own != "" {
		key = appendPart(key, own)
	}
	complete := true
	for i := range k.parts {
		longer, ok := k.part(key, &k.parts[i], x)
		if !ok {
			complete, longer = false, append(key, absent)
		}
		key = longer
	}
	switch {
	case complete || k.missing == "shared":
		return key, true
	case k.missing == "ip":
		return k.address(key, x.Address), true
	}
	return nil, false
}

// part writes one part; false: the request has not got it.
func (k *keys) part(key []byte, p *part, x *exchange.Exchange) ([]byte, bool) {
	switch p.kind {
	case "api":
		return appendPart(key, x.API), true
	case "resource":
		return appendPart(appendPart(key, x.API), x.Route), true
	case "application":
		id := x.Caller.Application.ID
		return appendPart(key, id), id != ""
	case "subject":
		return appendPart(appendPart(key, x.Caller.Issuer), x.Caller.Subject), x.Caller.Subject != ""
	case "ip":
		return k.address(key, x.Address), true
	case "claim":
		value, _ := p.claim.Find(x.Caller.Claims) // nil has no text
		text, ok := claim.Text(value)
		return appendPart(key, text), ok
	}
	value := x.Head.Get(p.header)
	if len(value) > maxPart {
		return appendHash(key, value), true
	}
	return append(append(key, byte(len(value))), value...), len(value) > 0
}

// address writes an IPv4 address, or the part of an IPv6 address that belongs to
// one subscriber.
func (k *keys) address(key []byte, a netip.Addr) []byte {
	switch a = a.Unmap(); {
	case !a.IsValid():
		return append(key, absent)
	case a.Is4():
		four := a.As4()
		return append(append(key, 4), four[:]...)
	}
	prefix, err := a.WithZone("").Prefix(k.bits)
	if err != nil {
		return append(key, absent) // Validate has seen the bits
	}
	sixteen := prefix.Addr().As16()
	return append(append(key, 16), sixteen[:]...)
}

// appendPart writes a text, so that no other one reads the same.
func appendPart(key []byte, text string) []byte {
	if len(text) > maxPart {
		return appendHash(key, []byte(text))
	}
	return append(append(key, byte(len(text))), text...)
}

func appendHash(key, text []byte) []byte {
	sum := sha256.Sum256(text)
	return append(append(key, hashed), sum[:]...)
}
