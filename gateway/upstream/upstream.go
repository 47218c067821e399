// Package upstream is where requests go: connections to targets, how a request
// is written to them, and how their answer is read. It never buffers a body.
package upstream

import (
	"crypto/tls"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"postern/gateway/metrics"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// Upstream forwards exchanges to the target of one API. It is safe for
// concurrent use.
type Upstream struct {
	address  string // host:port to dial
	name     string // what logs call the target
	hostSent string // Host field; "" sends the caller's
	prefix   string // of every path, without a slash at its end
	strip    bool
	tls      *tls.Config // nil: cleartext

	connectTimeout, timeout time.Duration // 0: none
	idleTimeout, maximum    time.Duration
	replayable              int64 // bytes of a body that may be held for a repeat

	readers *wire.Readers
	counts  *metrics.API
	pool    pool
	closed  atomic.Bool
}

// New prepares an upstream that counts its connections in counts; it opens none
// and starts nothing. The error is config.Faults with paths relative to the upstream's section.
func New(cfg config.Upstream, limits config.Limits, counts *metrics.API) (*Upstream, error) {
	target, err := url.Parse(cfg.Targets[0].URL)
	if err != nil {
		return nil, config.Faults{{Path: []any{"targets", 0, "url"}, Message: err.Error()}}
	}
	u := &Upstream{
		address:        dialAddress(target),
		name:           target.Scheme + "://" + target.Host,
		prefix:         strings.TrimSuffix(target.EscapedPath(), "/"),
		strip:          cfg.StripPrefix == nil || *cfg.StripPrefix,
		connectTimeout: cfg.ConnectTimeout.Limit(),
		timeout:        cfg.Timeout.Limit(),
		idleTimeout:    cfg.IdleTimeout.Limit(),
		maximum:        cfg.MaxDuration.Limit(),
		replayable:     limits.BufferedBody.Limit(),
		readers:        wire.NewReaders(int(limits.HeaderSize.Limit())),
		counts:         counts,
	}
	switch cfg.Host {
	case "", "target":
		u.hostSent = target.Host
	case "caller":
	default:
		u.hostSent = cfg.Host
	}
	if target.Scheme == "https" {
		if u.tls, err = clientTLS(cfg.TLS, target.Hostname()); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// dialAddress is host:port with the scheme's port where none is stated.
func dialAddress(target *url.URL) string {
	if target.Port() != "" {
		return target.Host
	}
	if target.Scheme == "https" {
		return target.Host + ":443"
	}
	return target.Host + ":80"
}

// Connections is how many connections to the target exist, idle ones included.
func (u *Upstream) Connections() int64 { return u.pool.open.Load() }

// Idle is how many of them wait for a request.
func (u *Upstream) Idle() int64 { return u.pool.idle() }

// Close ends the idle connections and keeps none from now on; running exchanges
// end by themselves.
func (u *Upstream) Close() error {
	u.closed.Store(true)
	u.pool.empty()
	return nil
}
