package hostname_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"postern/gateway/hostname"
	"postern/gateway/hostname/dnstest"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// section is a configuration that asks server.
func section(server string) config.Hostnames {
	s := config.Default().Hostnames
	s.Resolver, s.Timeout = server, config.Duration(20*time.Second)
	return s
}

func newResolver(s config.Hostnames) *hostname.Resolver {
	return hostname.New(s, nil, metrics.New(metrics.Sources{}))
}

func many(n int, format string) (records []dnstest.Record) {
	for i := range n {
		records = append(records, dnstest.Record(fmt.Sprintf(format, i)))
	}
	return records
}

func TestLookup(t *testing.T) {
	zone := map[string][]dnstest.Record{
		"1.2.0.192.in-addr.arpa.": {"ptr Build.Example.com."},
		"build.example.com.":      {"192.0.2.1", "2001:db8::1"},
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.": {"ptr build.example.com."},
		// The owner of the address claims a name that is not his.
		"6.2.0.192.in-addr.arpa.": {"ptr build.example.com."},
		"7.2.0.192.in-addr.arpa.": {"ptr gone.example.com."},
		"8.2.0.192.in-addr.arpa.": {"ptr alias.example.com."},
		"alias.example.com.":      {"cname real.example.com."},
		"real.example.com.":       {"192.0.2.8"},
		// A delegated part of a reverse zone (RFC 2317).
		"9.2.0.192.in-addr.arpa.":      {"cname 9.0-15.2.0.192.in-addr.arpa."},
		"9.0-15.2.0.192.in-addr.arpa.": {"ptr nine.example.com."},
		"nine.example.com.":            {"192.0.2.200", "192.0.2.9"},
		"10.2.0.192.in-addr.arpa.":     {"ptr b.example.com.", "ptr a.example.com.", "ptr other.example.com."},
		"a.example.com.":               {"192.0.2.10"},
		"b.example.com.":               {"192.0.2.10"},
		"other.example.com.":           {"192.0.2.11"},
		"12.2.0.192.in-addr.arpa.":     {},
	}
	r := newResolver(section(dnstest.Serve(t, zone).Address))
	for _, tt := range []struct {
		name, address string
		want          []string
	}{
		{"a name that leads back", "192.0.2.1", []string{"build.example.com"}},
		{"IPv6", "2001:db8::1", []string{"build.example.com"}},
		{"IPv4 in IPv6", "::ffff:192.0.2.1", []string{"build.example.com"}},
		{"a name that leads elsewhere", "192.0.2.6", nil},
		{"a name that does not exist", "192.0.2.7", nil},
		{"a name that is an alias", "192.0.2.8", []string{"alias.example.com"}},
		{"a delegated reverse zone", "192.0.2.9", []string{"nine.example.com"}},
		{"several names", "192.0.2.10", []string{"a.example.com", "b.example.com"}},
		{"no record of this kind", "192.0.2.12", nil},
		{"no name", "192.0.2.99", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // asked, then kept
				got, err := r.Lookup(context.Background(), netip.MustParseAddr(tt.address))
				if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			}
		})
	}
}

func TestManyNamesAreBounded(t *testing.T) {
	zone := map[string][]dnstest.Record{"1.2.0.192.in-addr.arpa.": many(100, "ptr host%02d.example.com.")}
	for i := range 100 {
		zone[fmt.Sprintf("host%02d.example.com.", i)] = []dnstest.Record{"192.0.2.1"}
	}
	server := dnstest.Serve(t, zone)
	got, err := newResolver(section(server.Address)).Lookup(context.Background(), netip.MustParseAddr("192.0.2.1"))
	if err != nil || len(got) != 8 || got[0] != "host00.example.com" || got[7] != "host07.example.com" {
		t.Errorf("%v, %v", got, err)
	}
	forward := 0
	for _, name := range server.Names() {
		if strings.HasPrefix(name, "host") {
			forward++
		}
	}
	if forward != 8 {
		t.Errorf("%d names were confirmed", forward)
	}
}

func TestFailure(t *testing.T) {
	zone := map[string][]dnstest.Record{"1.2.0.192.in-addr.arpa.": {"ptr a.example.com."}, "a.example.com.": {"192.0.2.1"}}
	t.Run("the server fails", func(t *testing.T) {
		server := dnstest.Serve(t, zone)
		server.Broken.Store(true)
		got, err := newResolver(section(server.Address)).Lookup(context.Background(), netip.MustParseAddr("192.0.2.1"))
		if got != nil || !errors.Is(err, hostname.ErrUnavailable) {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("the server is silent", func(t *testing.T) {
		server := dnstest.Serve(t, zone)
		server.Mute.Store(true)
		s := section(server.Address)
		s.Timeout = config.Duration(50 * time.Millisecond)
		got, err := newResolver(s).Lookup(context.Background(), netip.MustParseAddr("192.0.2.1"))
		if got != nil || !errors.Is(err, hostname.ErrUnavailable) {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("the caller leaves", func(t *testing.T) {
		server := dnstest.Serve(t, zone)
		server.Mute.Store(true)
		s := section(server.Address)
		s.Timeout = config.Duration(200 * time.Millisecond)
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-server.Silent; cancel() }()
		if _, err := newResolver(s).Lookup(ctx, netip.MustParseAddr("192.0.2.1")); !errors.Is(err, hostname.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("no address", func(t *testing.T) {
		if _, err := newResolver(section("127.0.0.1:1")).Lookup(context.Background(), netip.Addr{}); !errors.Is(err, hostname.ErrUnavailable) {
			t.Error(err)
		}
	})
	t.Run("a rehearsal", func(t *testing.T) {
		r := hostname.Offline(metrics.New(metrics.Sources{}))
		if _, err := r.Lookup(context.Background(), netip.MustParseAddr("192.0.2.1")); !errors.Is(err, hostname.ErrUnavailable) {
			t.Error(err)
		}
	})
}

func TestManyCallersShareALookup(t *testing.T) {
	server := dnstest.Serve(t, map[string][]dnstest.Record{"1.2.0.192.in-addr.arpa.": {"ptr a.example.com."}, "a.example.com.": {"192.0.2.1"}})
	r := newResolver(section(server.Address))
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if got, err := r.Lookup(context.Background(), netip.MustParseAddr("192.0.2.1")); err != nil || len(got) != 1 {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	all.Wait()
	if asked := server.Asked.Load(); asked != 2 {
		t.Errorf("the server was asked %d times", asked)
	}
	if n := r.Entries(); n != 1 {
		t.Errorf("%d addresses are known", n)
	}
}

func TestCarriedOver(t *testing.T) {
	server := dnstest.Serve(t, map[string][]dnstest.Record{"1.2.0.192.in-addr.arpa.": {"ptr a.example.com."}, "a.example.com.": {"192.0.2.1"}})
	m := metrics.New(metrics.Sources{})
	first := hostname.New(section(server.Address), nil, m)
	if _, err := first.Lookup(context.Background(), netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	same := hostname.New(section(server.Address), first, m)
	if same.Entries() != 1 {
		t.Error("what is known was lost although the section is the same")
	}
	changed := section(server.Address)
	changed.Cache.Entries = 5
	if hostname.New(changed, first, m).Entries() != 0 {
		t.Error("a changed section goes on with what was known")
	}
}

// script answers without a network.
type script struct {
	mu    sync.Mutex
	asked int
	busy  int // at once, at most
	now   int
	delay time.Duration
	err   error
}

func (s *script) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	s.mu.Lock()
	s.asked++
	s.now++
	s.busy = max(s.busy, s.now)
	delay, err := s.delay, s.err
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.now--; s.mu.Unlock() }()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return []string{addr + ".example.com."}, nil
}

func (s *script) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(host, ".example.com."))
	return []netip.Addr{addr}, err
}

func TestTimes(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	lookup := func(r *hostname.Resolver) error {
		_, err := r.Lookup(context.Background(), a)
		return err
	}
	t.Run("what is found is kept as long as configured", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{}
			r := hostname.Asking(config.Default().Hostnames, s)
			for _, at := range []struct {
				after time.Duration
				asked int
			}{{0, 1}, {5*time.Minute - time.Second, 1}, {2 * time.Second, 2}} {
				time.Sleep(at.after)
				if err := lookup(r); err != nil || s.asked != at.asked {
					t.Errorf("after %v: asked %d times, %v", at.after, s.asked, err)
				}
			}
		})
	})
	t.Run("a failure is kept for a second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{err: errors.New("refused")}
			r := hostname.Asking(config.Default().Hostnames, s)
			for _, asked := range []int{1, 1, 2} {
				if err := lookup(r); !errors.Is(err, hostname.ErrUnavailable) || s.asked != asked {
					t.Errorf("asked %d times, want %d: %v", s.asked, asked, err)
				}
				time.Sleep(600 * time.Millisecond)
			}
		})
	})
	t.Run("nobody waits longer than the timeout, and few ask at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{delay: time.Hour}
			section := config.Default().Hostnames
			section.Lookups = 3
			r := hostname.Asking(section, s)
			begun := time.Now()
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() {
					addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
					if _, err := r.Lookup(context.Background(), addr); !errors.Is(err, hostname.ErrUnavailable) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			waited := time.Since(begun)
			synctest.Wait() // lookups end just after those who wait
			s.mu.Lock()
			defer s.mu.Unlock()
			if waited != time.Second || s.busy != 3 {
				t.Errorf("waited %v, with %d lookups at once", waited, s.busy)
			}
		})
	})
	t.Run("the cache is bounded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			section := config.Default().Hostnames
			section.Cache.Entries = 10
			r := hostname.Asking(section, &script{})
			for i := range 200 {
				if _, err := r.Lookup(context.Background(), netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})); err != nil {
					t.Fatal(err)
				}
			}
			if n := r.Entries(); n > 10 {
				t.Errorf("%d entries", n)
			}
		})
	})
}

func BenchmarkLookup(b *testing.B) {
	r := hostname.Asking(config.Default().Hostnames, &script{})
	addr, ctx := netip.MustParseAddr("192.0.2.1"), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Lookup(ctx, addr); err != nil {
			b.Fatal(err)
		}
	}
}
