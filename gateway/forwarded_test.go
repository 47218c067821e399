package gateway

import (
	"net/netip"
	"testing"

	"postern/gateway/exchange"
)

func TestAddress(t *testing.T) {
	for _, tt := range []struct {
		name, peer string
		lines      []string
		want       string
		trusted    bool
	}{
		{name: "nobody says anything", peer: "192.0.2.7", want: "192.0.2.7"},
		{name: "a stranger is not believed", peer: "192.0.2.7", lines: []string{"X-Forwarded-For: 1.1.1.1", "Forwarded: for=1.1.1.1"}, want: "192.0.2.7"},
		{name: "proxy", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 1.1.1.1"}, want: "1.1.1.1", trusted: true},
		{name: "proxy that says nothing", peer: "10.0.0.1", want: "10.0.0.1", trusted: true},
		{name: "rightmost", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1"}, want: "1.1.1.1", trusted: true},
		{name: "behind two proxies", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1 , 10.0.0.2"}, want: "1.1.1.1", trusted: true},
		{name: "only proxies", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 10.0.0.3,10.0.0.2"}, want: "10.0.0.3", trusted: true},
		{name: "several lines", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 9.9.9.9", "x-forwarded-for: 1.1.1.1", "X-Forwarded-For: 10.0.0.2"}, want: "1.1.1.1", trusted: true},
		{name: "empty elements", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 1.1.1.1, ,"}, want: "1.1.1.1", trusted: true},
		{name: "garbage ends it", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.2"}, want: "10.0.0.2", trusted: true},
		{name: "garbage at once", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: evil"}, want: "10.0.0.1", trusted: true},
		{name: "with a port", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: 1.1.1.1:99"}, want: "1.1.1.1", trusted: true},
		{name: "IPv6", peer: "2001:db8::1", lines: []string{"X-Forwarded-For: 2001:4860::8"}, want: "2001:4860::8", trusted: true},
		{name: "IPv6 with a port", peer: "2001:db8::1", lines: []string{"X-Forwarded-For: [2001:4860::8]:443"}, want: "2001:4860::8", trusted: true},
		{name: "IPv4 in IPv6", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: ::ffff:1.1.1.1, ::ffff:10.0.0.9"}, want: "1.1.1.1", trusted: true},
		{name: "zone", peer: "10.0.0.1", lines: []string{"X-Forwarded-For: fe80::1%eth0"}, want: "fe80::1", trusted: true},
		{name: "Forwarded", peer: "10.0.0.1", lines: []string{`Forwarded: for=9.9.9.9, For="[2001:4860::8]:80";proto=https;by=x`}, want: "2001:4860::8", trusted: true},
		{name: "Forwarded through proxies", peer: "10.0.0.1", lines: []string{`Forwarded: proto=http;for=1.1.1.1`, `Forwarded: for="10.0.0.2:8080"`}, want: "1.1.1.1", trusted: true},
		{name: "Forwarded with an open quote on the left", peer: "10.0.0.1", lines: []string{`Forwarded: for="9.9.9.9, for=1.1.1.1`}, want: "1.1.1.1", trusted: true},
		{name: "Forwarded hides it", peer: "10.0.0.1", lines: []string{"Forwarded: for=1.1.1.1, for=_hidden"}, want: "10.0.0.1", trusted: true},
		{name: "Forwarded without for", peer: "10.0.0.1", lines: []string{"Forwarded: for=1.1.1.1, proto=https"}, want: "10.0.0.1", trusted: true},
		{name: "X-Forwarded-For first", peer: "10.0.0.1", lines: []string{"Forwarded: for=9.9.9.9", "X-Forwarded-For: 1.1.1.1"}, want: "1.1.1.1", trusted: true},
		{name: "twins are not read", peer: "10.0.0.1", lines: []string{"X_Forwarded_For: 9.9.9.9"}, want: "10.0.0.1", trusted: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGateway(t, shop, upstreamAnswers)
			x := newExchange(t, "GET", "/gateway/orders/orders", tt.lines...)
			x.Peer = netip.AddrPortFrom(netip.MustParseAddr(tt.peer), 1)
			g.Handle(x)
			if x.Address != netip.MustParseAddr(tt.want) || x.Trusted != tt.trusted {
				t.Errorf("%v, trusted %v; want %s, %v", x.Address, x.Trusted, tt.want, tt.trusted)
			}
			x.Finish(exchange.End{Status: 200})
		})
	}
}
