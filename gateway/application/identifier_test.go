package application_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"

	"postern/gateway/application"
	"postern/provisioning/config"
)

// ranges is an application with addresses.
func ranges(t testing.TB, name string, texts ...string) config.Application {
	t.Helper()
	a := config.Application{Name: name, ID: name, APIs: []string{"orders"}}
	for _, text := range texts {
		r, err := config.ParseAddressRange(text)
		if err != nil {
			t.Fatal(err)
		}
		a.Identify.IP = append(a.Identify.IP, r)
	}
	return a
}

// names of a list, in their order.
func names(list []*application.Application) string {
	var names []string
	for _, a := range list {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestByAddress(t *testing.T) {
	x := index(
		ranges(t, "one", "10.0.0.1"),
		ranges(t, "net", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.128/25"),
		ranges(t, "between", "10.0.0.200-10.0.1.3"),
		ranges(t, "last", "255.255.255.254-255.255.255.255"),
		ranges(t, "six", "2001:db8::/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
		ranges(t, "first", "0.0.0.0", "::"),
	)
	for _, tt := range []struct{ ip, want string }{
		{"10.0.0.0", "net"},
		{"10.0.0.1", "net one"},
		{"10.0.0.2", "net"},
		{"10.0.0.199", "net"},
		{"10.0.0.200", "between net"},
		{"10.0.1.3", "between net"},
		{"10.0.1.4", "net"},
		{"10.0.1.255", "net"},
		{"10.0.2.0", ""},
		{"9.255.255.255", ""},
		{"255.255.255.253", ""},
		{"255.255.255.255", "last"},
		{"0.0.0.0", "first"},
		{"0.0.0.1", ""},
		{"::", "first"},
		{"::1", ""},
		{"::ffff:10.0.0.1", ""},
		{"2001:db8::1", "six"},
		{"2001:db9::", ""},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", ""},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "six"},
	} {
		if got := names(x.ByAddress(netip.MustParseAddr(tt.ip))); got != tt.want {
			t.Errorf("%s is of %q, want %q", tt.ip, got, tt.want)
		}
	}
	if got := x.ByAddress(netip.Addr{}); got != nil {
		t.Errorf("no address is of %q", names(got))
	}
	if got := index().ByAddress(netip.MustParseAddr("10.0.0.1")); got != nil {
		t.Errorf("among no applications there is %q", names(got))
	}
}

// TestByAddressAgrees compares with asking every range in turn.
func TestByAddressAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(r.UintN(64))}) }
	for range 300 {
		list := make([]config.Application, 1+r.IntN(6))
		for i := range list {
			list[i] = ranges(t, fmt.Sprint("app-", i))
			for range r.IntN(4) {
				first, last := address(), address()
				if last.Less(first) {
					first, last = last, first
				}
				list[i].Identify.IP = append(list[i].Identify.IP, config.AddressRange{First: first, Last: last})
			}
		}
		x := index(list...)
		for i := range 66 {
			ip, want := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), []string{}
			for _, a := range list {
				if slices.ContainsFunc(a.Identify.IP, func(r config.AddressRange) bool { return r.Contains(ip) }) {
					want = append(want, a.Name)
				}
			}
			if got := names(x.ByAddress(ip)); got != strings.Join(want, " ") {
				t.Fatalf("%s is of %q, want %q in %v", ip, got, want, list)
			}
		}
	}
}

// TestNestedRangesAreNoMemory: ranges that lie in each other take as much as
// others, though each address of them is of many applications.
func TestNestedRangesAreNoMemory(t *testing.T) {
	const most = 64 << 20
	list := make([]config.Application, 5000)
	for i := range list {
		list[i] = ranges(t, fmt.Sprint("app-", i), fmt.Sprintf("10.0.%d.%d-10.1.%d.%d", i/256, i%256, 255-i/256, 255-i%256))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x := index(list...)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > most {
		t.Errorf("%d bytes for %d applications", taken, len(list))
	}
	if got := len(x.ByAddress(netip.MustParseAddr("10.1.0.0"))); got != len(list) {
		t.Errorf("%d applications, want all %d", got, len(list))
	}
	if got := len(x.ByAddress(netip.MustParseAddr("10.0.0.9"))); got != 10 {
		t.Errorf("%d applications, want 10", got)
	}
}

func BenchmarkByAddress(b *testing.B) {
	list := make([]config.Application, 10000)
	for i := range list {
		list[i] = ranges(b, fmt.Sprint("app-", i), fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))
	}
	x, ip := index(list...), netip.MustParseAddr("10.7.7.7")
	b.ReportAllocs()
	for b.Loop() {
		if len(x.ByAddress(ip)) != 1 {
			b.Fatal("not found")
		}
	}
}
