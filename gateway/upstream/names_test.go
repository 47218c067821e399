package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// known makes names of a host that stands for what answer says.
func known(t *testing.T, host string, every time.Duration, answer func() ([]netip.Addr, error)) (n *names, lost *[]string) {
	t.Helper()
	lost = new([]string)
	n = newNames(&url.URL{Scheme: "http", Host: host}, every, func(a *address) { *lost = append(*lost, a.text) })
	n.lookup = func(context.Context, string) ([]netip.Addr, error) { return answer() }
	return n, lost
}

func ips(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestNamesAreLookedUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answer atomic.Pointer[[]netip.Addr]
		n, lost := known(t, "orders:8080", 10*time.Second, func() ([]netip.Addr, error) {
			if a := answer.Load(); a != nil {
				return *a, nil
			}
			return nil, errors.New("no such host")
		})
		n.start()
		defer n.stop()
		first := ips("10.0.0.1", "10.0.0.2", "10.0.0.2", "::ffff:10.0.0.1")
		answer.Store(&first)
		if _, err := n.resolve(t.Context()); err != nil {
			t.Fatal(err)
		}
		kept := (*n.known.Load())[1]
		expect := func(want ...string) {
			t.Helper()
			time.Sleep(11 * time.Second)
			synctest.Wait()
			if diff := cmp.Diff(want, n.list()); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		}
		expect("10.0.0.1:8080", "10.0.0.2:8080")
		second := ips("fd00::1", "10.0.0.2")
		answer.Store(&second)
		expect("[fd00::1]:8080", "10.0.0.2:8080")
		if (*n.known.Load())[1] != kept {
			t.Error("an address that stays is another one")
		}
		if !slices.Equal(*lost, []string{"10.0.0.1:8080"}) {
			t.Errorf("lost %q", *lost)
		}
		answer.Store(nil) // what was known serves on
		expect("[fd00::1]:8080", "10.0.0.2:8080")
	})
}

func TestAddressesNeedNoLookup(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.1": "127.0.0.1:80", "[::1]:8080": "[::1]:8080"} {
		n, _ := known(t, host, time.Second, func() ([]netip.Addr, error) { t.Error("looked up"); return nil, nil })
		if at := (*n.known.Load())[0].text; at != want || n.every != 0 {
			t.Errorf("%s: %s, looked up every %v", host, at, n.every)
		}
	}
}

// Addresses take turns; one that fails is passed over, and tried last for a
// while.
func TestAddressesAreTriedInTurn(t *testing.T) {
	one, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	_, port, _ := net.SplitHostPort(one.Addr().String())
	two, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err) // only Linux has all of 127.0.0.0/8
	}
	n, _ := known(t, "orders:"+port, time.Hour, func() ([]netip.Addr, error) { return ips("127.0.0.1", "127.0.0.2"), nil })
	dial := func() string {
		t.Helper()
		c, at, err := n.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		return at.text
	}
	if a, b, c := dial(), dial(), dial(); a == b || a != c {
		t.Errorf("%s, %s, %s: want them in turn", a, b, c)
	}
	two.Close()
	for range 4 {
		if at := dial(); at != "127.0.0.1:"+port {
			t.Errorf("connected to %s", at)
		}
	}
	one.Close()
	if _, _, err := n.dial(t.Context()); err == nil {
		t.Error("connected to nobody")
	}
}

// A name that moves: what runs on a connection to the old address goes on to its
// end, what waits is closed, and the next request goes to the new one.
func TestANameMoves(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	old := accept(t, first)
	_, port, _ := net.SplitHostPort(first.Addr().String())
	second, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err) // only Linux has all of 127.0.0.0/8
	}
	fresh := accept(t, second)
	u := prepared(t, config.Upstream{Targets: []config.Target{{URL: "http://orders:" + port}}, Resolve: config.Duration(20 * time.Millisecond)})
	at := new(atomic.Pointer[[]netip.Addr])
	before, after := ips("127.0.0.1"), ips("127.0.0.2")
	at.Store(&before)
	u.members[0].names.lookup = func(context.Context, string) ([]netip.Addr, error) { return *at.Load(), nil }
	u.Start()
	defer u.Close()
	streaming, waiting := forwarded(t, u), forwarded(t, u)
	waiting.Answer.Release(waiting.Answer.Body.Discard())
	if old.count() != 2 || u.members[0].pool.idle() != 1 {
		t.Fatalf("%d connections, %d wait", old.count(), u.members[0].pool.idle())
	}
	at.Store(&after)
	until(t, "the connection that waits is closed", func() bool { return u.members[0].pool.open.Load() == 1 })
	other := forwarded(t, u)
	if old.count() != 2 || fresh.count() != 1 {
		t.Errorf("%d connections to the old address and %d to the new one", old.count(), fresh.count())
	}
	if !streaming.Answer.Body.Discard() {
		t.Error("the answer from the old address is not whole")
	}
	streaming.Answer.Release(true)
	other.Answer.Release(other.Answer.Body.Discard())
	if open, idle := u.members[0].pool.open.Load(), u.members[0].pool.idle(); open != 1 || idle != 1 {
		t.Errorf("%d connections are open and %d wait, want the one to the new address", open, idle)
	}
}

// peers are the connections that a target has accepted.
type peers struct {
	net.Listener
	mu  sync.Mutex
	all []net.Conn
}

func (p *peers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

// accept answers every head on the connections to l with the same.
func accept(t *testing.T, l net.Listener) *peers {
	p := &peers{Listener: l}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.all = append(p.all, c)
			p.mu.Unlock()
			served.Go(func() {
				for br := bufio.NewReader(c); ; {
					line, err := br.ReadString('\n')
					if err != nil {
						return
					}
					if line == "\r\n" {
						io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.all {
			c.Close()
		}
		p.mu.Unlock()
		served.Wait()
	})
	return p
}

// forwarded is an exchange whose answer's head is there.
func forwarded(t *testing.T, u *Upstream) *exchange.Exchange {
	t.Helper()
	caller, peer := net.Pipe()
	t.Cleanup(func() { caller.Close(); peer.Close() })
	x := asked("Host: h")
	x.Conn, x.Started, x.Path, x.Rest = wire.NewConn(caller), time.Now(), []byte("/x"), []byte("/x")
	x.Request.Length = -1
	if err := u.Forward(x); err != nil {
		t.Fatal(err)
	}
	return x
}
