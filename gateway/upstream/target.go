package upstream

import (
	"crypto/tls"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"postern/gateway/metrics"
	"postern/gateway/sticky"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// target is one address with its connections, and what is known of how it
// fares. Upstreams of successive generations share it as long as its own
// section stays the same; the last one that lets go closes it.
type target struct {
	section  section
	name     string      // what logs call it: scheme, host and port
	hostSent string      // Host field; "" sends the caller's
	host     string      // Host field of what the gateway itself asks
	prefix   string      // of every path, without a slash at its end
	tls      *tls.Config // nil: cleartext
	names    *names      // the addresses to dial
	seed     uint64      // tells its claims to hashes from those of others
	most     int64       // exchanges at once, each with a connection; 0: no limit

	readers *wire.Readers
	counts  *metrics.API
	changes *atomic.Uint64
	pool    pool
	closed  atomic.Bool
	users   atomic.Int32 // upstreams

	pending            atomic.Int64 // exchanges that use or open a connection
	attempts, failures metrics.Counter
	health             state
	checks             checks
}

// section is what a target's connections depend on.
type section struct {
	url, host       string
	tls             *config.UpstreamTLS
	resolve, idle   config.Duration
	most, mostWaits int
}

func sectionOf(cfg *config.Upstream, index int) section {
	return section{
		url: cfg.Targets[index].URL, host: cfg.Host, tls: cfg.TLS, resolve: cfg.Resolve,
		idle: cfg.KeepIdle, most: cfg.MaxConnections, mostWaits: cfg.MaxIdle,
	}
}

func (s section) equal(other section) bool {
	return reflect.DeepEqual(s, other) // the contents of certificates too
}

// newTarget prepares a target. The error is config.Faults.
func newTarget(s section, address *url.URL) (t *target, err error) {
	t = &target{
		section: s,
		name:    address.Scheme + "://" + address.Host,
		host:    address.Host,
		prefix:  strings.TrimSuffix(address.EscapedPath(), "/"),
		seed:    sticky.Sum(s.url),
		most:    int64(s.most),
		pool:    pool{keep: s.idle.Limit(), most: int64(s.mostWaits)},
	}
	switch s.host {
	case "", "target":
		t.hostSent = t.host
	case "caller":
	default:
		t.hostSent, t.host = s.host, s.host
	}
	if address.Scheme == "https" {
		if t.tls, err = clientTLS(s.tls, address.Hostname()); err != nil {
			return nil, err
		}
	}
	t.names = newNames(address, s.resolve.Limit(), t.leave)
	return t, nil
}

// enter counts an exchange in; false: the target has as many as it may have.
func (t *target) enter() bool {
	if n := t.pending.Add(1); t.most > 0 && n > t.most {
		t.pending.Add(-1)
		return false
	}
	return true
}

// leave closes the idle connections to an address that is no longer the
// target's.
func (t *target) leave(a *address) {
	t.pool.drop(func(c *conn) bool { return c.address == a })
}

func (t *target) close() {
	t.closed.Store(true)
	t.checks.stop()
	t.names.stop()
	t.pool.empty()
}

// away reports until when the target is out of turn for its failures; zero: it
// is not.
func (t *target) away(now time.Time) time.Time {
	if until := t.health.until.Load(); until > now.UnixNano() {
		return time.Unix(0, until)
	}
	return time.Time{}
}
