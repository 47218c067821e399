package gateway

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

// rejection is why a connection is turned away, and what it is told where it can
// be told anything.
type rejection struct{ reason, message, answer string }

const turnedAway = "Connection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"

var (
	tooMany = &rejection{
		"connections", "more connections than limits.connections",
		"HTTP/1.1 503 Service Unavailable\r\n" + turnedAway,
	}
	tooManyOfOne = &rejection{
		"per_ip", "more connections of one address than limits.per_ip.connections",
		"HTTP/1.1 429 Too Many Requests\r\n" + turnedAway,
	}
)

// admit counts a new connection; nil lets it in, and dismiss must follow.
func (s *server) admit(c net.Conn) *rejection {
	if s.open.Add(1) > s.connections {
		s.open.Add(-1)
		return tooMany
	}
	if s.perIP != nil && !s.perIP.enter(peerOf(c).Addr()) {
		s.open.Add(-1)
		return tooManyOfOne
	}
	return nil
}

// dismiss forgets a connection that was admitted.
func (s *server) dismiss(peer netip.Addr) {
	if s.perIP != nil {
		s.perIP.leave(peer)
	}
	s.open.Add(-1)
}

// turnAway ends a connection that may not come in.
func (s *server) turnAway(c net.Conn, why *rejection, plain bool) {
	s.metrics.Refused(why.reason).Inc()
	if entry := s.log.check(zap.WarnLevel, why.message, ""); entry != nil {
		entry.Write(zap.Stringer("peer", peerOf(c).Addr()))
	}
	if plain {
		_ = c.SetWriteDeadline(time.Now().Add(acceptPause))
		_, _ = c.Write([]byte(why.answer)) // a courtesy; the close says the same
	}
	_ = c.Close()
}

// perAddress counts the connections of each address. It is asked once for each
// connection, never for a request, and holds no more addresses than there are
// connections.
type perAddress struct {
	most   int
	exempt func(netip.Addr) bool // trusted proxies, as they are now; nil: nobody

	mu   sync.Mutex
	open map[netip.Addr]int
}

func newPerAddress(most int) *perAddress { return &perAddress{most: most, open: map[netip.Addr]int{}} }

// enter counts a connection of peer, unless it has as many as it may.
func (c *perAddress) enter(peer netip.Addr) bool {
	free := c.exempt != nil && c.exempt(peer)
	peer = neighbourhood(peer)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[peer] >= c.most && !free {
		return false
	}
	c.open[peer]++ // whoever is exempt may not be so any longer when it leaves
	return true
}

func (c *perAddress) leave(peer netip.Addr) {
	peer = neighbourhood(peer)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[peer]--; c.open[peer] <= 0 {
		delete(c.open, peer)
	}
}

// neighbourhood is what belongs to one caller: an IPv4 address, or the /64 that
// an IPv6 address is in.
func neighbourhood(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return a // not for an address without a zone
	}
	return prefix.Addr()
}
