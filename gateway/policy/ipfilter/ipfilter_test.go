package ipfilter_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/hostname"
	"postern/gateway/policy/ipfilter"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// book has the names of addresses; it fails for those it has none of.
type book map[string][]string

func (b book) Lookup(_ context.Context, addr netip.Addr) ([]string, error) {
	names, ok := b[addr.String()]
	if !ok {
		return nil, hostname.ErrUnavailable
	}
	return names, nil
}

// nobody is asked for names.
type nobody struct{ t *testing.T }

func (n nobody) Lookup(context.Context, netip.Addr) ([]string, error) {
	n.t.Error("a name is looked up")
	return nil, nil
}

func ranges(t testing.TB, texts ...string) (all []config.AddressRange) {
	t.Helper()
	for _, text := range texts {
		r, err := config.ParseAddressRange(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// ask says whether an address may call; "": it may, otherwise the reason.
func ask(t testing.TB, policy exchange.Policy, address string) string {
	t.Helper()
	x := new(exchange.Exchange)
	if address != "" {
		x.Address = netip.MustParseAddr(address)
	}
	passed := false
	err := policy(func(*exchange.Exchange) error { passed = true; return nil })(x)
	if passed == errors.Is(err, problem.AddressNotAllowed) || passed != (x.Reason == "") {
		t.Errorf("%s: passed %v, %v, reason %q", address, passed, err, x.Reason)
	}
	return x.Reason
}

const notAllowed, denied = "address is not allowed", "address is denied"

func TestAddresses(t *testing.T) {
	both := config.IPFilter{Allow: ranges(t, "192.0.2.0/24", "10.60.30.1-10.60.30.30", "2001:db8::/32"), Deny: ranges(t, "192.0.2.66", "2001:db8:1::-2001:db8:1::ff")}
	only := config.IPFilter{Deny: ranges(t, "192.0.2.66")}
	for _, tt := range []struct {
		cfg     config.IPFilter
		address string
		want    string
	}{
		{both, "192.0.2.0", ""},
		{both, "192.0.2.255", ""},
		{both, "192.0.3.0", notAllowed},
		{both, "192.0.1.255", notAllowed},
		{both, "192.0.2.66", denied},
		{both, "::ffff:192.0.2.66", denied},
		{both, "::ffff:192.0.2.7", ""},
		{both, "::192.0.2.7", notAllowed}, // IPv4-compatible is no IPv4
		{both, "10.60.30.1", ""},
		{both, "10.60.30.30", ""},
		{both, "10.60.30.31", notAllowed},
		{both, "10.60.30.0", notAllowed},
		{both, "2001:db8::1", ""},
		{both, "2001:db8::1%eth0", ""},
		{both, "2001:db8:1::80", denied},
		{both, "2001:db8:1::100", ""},
		{both, "2001:db9::", notAllowed},
		{both, "0.0.0.0", notAllowed},
		{both, "", notAllowed},
		{only, "192.0.2.66", denied},
		{only, "192.0.2.67", ""},
		{only, "::1", ""},
	} {
		if got := ask(t, ipfilter.New(&tt.cfg, nobody{t}), tt.address); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.address, got, tt.want)
		}
	}
}

func TestHosts(t *testing.T) {
	names := book{
		"192.0.2.1": {"build.example.com"}, "192.0.2.2": {"other.example", "a.b.corp.example"}, "192.0.2.3": nil,
		"192.0.2.4": {"corp.example"}, "192.0.2.5": {"bad.corp.example"}, "192.0.2.6": {"build.example.com.evil.example"}, "192.0.2.7": {"evilcorp.example"},
	}
	const away = "address is not allowed, nor is it by name: host names cannot be looked up"
	allow := config.IPFilter{Hosts: config.HostFilter{Allow: []string{"build.example.com", "*.corp.example"}}}
	mixed := config.IPFilter{
		Allow: ranges(t, "10.0.0.0/8"), Deny: ranges(t, "192.0.2.1"),
		Hosts: config.HostFilter{Allow: []string{"build.example.com", "*.corp.example"}, Deny: []string{"bad.corp.example"}},
	}
	deny := config.IPFilter{Hosts: config.HostFilter{Deny: []string{"*.example"}}}
	for _, tt := range []struct {
		name    string
		cfg     config.IPFilter
		address string
		want    string
	}{
		{"allowed", allow, "192.0.2.1", ""},
		{"by its second name", allow, "192.0.2.2", ""},
		{"without a name", allow, "192.0.2.3", notAllowed},
		{"not below", allow, "192.0.2.4", notAllowed},
		{"longer", allow, "192.0.2.6", notAllowed},
		{"another label", allow, "192.0.2.7", notAllowed},
		{"away", allow, "192.0.2.9", away},
		{"denied address", mixed, "192.0.2.1", denied},
		{"allowed by name", mixed, "192.0.2.2", ""},
		{"allowed and denied by name", mixed, "192.0.2.5", "host name is denied"},
		{"allowed by address, away", mixed, "10.0.0.1", ""},
		{"not allowed, away", mixed, "192.0.2.9", away},
		{"only denied", deny, "192.0.2.5", "host name is denied"},
		{"only denied, not this", deny, "192.0.2.1", ""},
		{"only denied, without a name", deny, "192.0.2.3", ""},
		{"only denied, away", deny, "192.0.2.9", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask(t, ipfilter.New(&tt.cfg, names), tt.address); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Many ranges that overlap hold what each of them holds.
func TestManyRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(256))}) }
	for range 100 {
		var list []config.AddressRange
		for range r.IntN(40) {
			a, b := address(), address()
			if b.Less(a) {
				a, b = b, a
			}
			if r.IntN(2) == 0 {
				b = a
			}
			list = append(list, config.AddressRange{First: a, Last: b})
		}
		policy := ipfilter.New(&config.IPFilter{Deny: list}, nobody{t})
		for range 100 {
			a, want := address(), ""
			for _, one := range list {
				if one.Contains(a) {
					want = denied
				}
			}
			if got := ask(t, policy, a.String()); got != want {
				t.Fatalf("%s in %v: %q", a, list, got)
			}
		}
	}
}

// benches are the filters there are, with many ranges.
func benches(t testing.TB) map[string]func() {
	t.Helper()
	var many []config.AddressRange
	for i := range 10_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})
		many = append(many, config.AddressRange{First: a, Last: a})
	}
	all := map[string]func(){}
	for name, cfg := range map[string]*config.IPFilter{
		"one":   {Allow: ranges(t, "192.0.2.0/24")},
		"10000": {Allow: append(many, ranges(t, "192.0.2.0/24")...), Deny: many},
		"hosts": {Hosts: config.HostFilter{Allow: []string{"*.example.com"}}},
	} {
		x := &exchange.Exchange{Address: netip.MustParseAddr("192.0.2.7")}
		handler := ipfilter.New(cfg, book{"192.0.2.7": {strings.Repeat("a.", 5) + "example.com"}})(func(*exchange.Exchange) error { return nil })
		all[name] = func() {
			if err := handler(x); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func BenchmarkFilter(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
