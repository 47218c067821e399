package gateway

import (
	"bytes"
	"net/netip"

	"postern/gateway/exchange"
)

// locate finds out from which address x comes. Each trusted proxy is believed
// about the one before it; so the answer is the first address, from the right,
// that is not a trusted proxy, and what was written by strangers is not read.
func (n *generation) locate(x *exchange.Exchange) {
	x.Address = x.Peer.Addr()
	x.Trusted = n.trusts(x.Address)
	if !x.Trusted {
		return
	}
	var buffer [512]byte
	hops := joined(x, buffer[:0], forwardedFor)
	elements := len(hops) == 0 // of Forwarded, not bare nodes
	if elements {
		hops = joined(x, buffer[:0], forwardedField)
	}
	for len(hops) > 0 {
		comma := bytes.LastIndexByte(hops, ',')
		hop := bytes.TrimSpace(hops[comma+1:])
		hops = hops[:max(comma, 0)]
		if len(hop) == 0 {
			continue
		}
		if elements {
			hop = forwardedNode(hop)
		}
		address, ok := parseNode(hop)
		if !ok {
			return
		}
		x.Address = address
		if !n.trusts(address) {
			return
		}
	}
}

// What is read of trusted proxies.
var (
	forwardedFor   = []byte("X-Forwarded-For")
	forwardedField = []byte("Forwarded")
)

func (n *generation) trusts(address netip.Addr) bool {
	for _, prefix := range n.trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// joined appends the values of all lines named name, with commas between.
func joined(x *exchange.Exchange, dst, name []byte) []byte {
	x.Head.Visit(func(lineName, value []byte) {
		if bytes.EqualFold(lineName, name) {
			dst = append(append(dst, value...), ',')
		}
	})
	return dst
}

// forwardedNode is the value of for= in an element of Forwarded (RFC 7239 4);
// nil when there is none.
func forwardedNode(hop []byte) []byte {
	for len(hop) > 0 {
		pair, rest, _ := bytes.Cut(hop, []byte(";"))
		hop = rest
		name, value, ok := bytes.Cut(bytes.TrimSpace(pair), []byte("="))
		if ok && bytes.EqualFold(name, []byte("for")) {
			return bytes.Trim(value, `"`)
		}
	}
	return nil
}

// parseNode reads an address with an optional port, IPv6 with or without
// brackets. Names that hide an address are none.
func parseNode(node []byte) (netip.Addr, bool) {
	if end := bytes.IndexByte(node, ']'); end > 0 && node[0] == '[' {
		node = node[1:end]
	} else if bytes.Count(node, []byte(":")) == 1 {
		node = node[:bytes.IndexByte(node, ':')]
	}
	address, err := netip.ParseAddr(string(node))
	return address.Unmap().WithZone(""), err == nil
}
