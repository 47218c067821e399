package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"postern/gateway/wire"
	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

// sessions is how many TLS sessions are kept for resumption.
const sessions = 16

// clientTLS builds how an https target is spoken to. Its certificate is always
// verified.
func clientTLS(cfg *config.UpstreamTLS, host string) (*tls.Config, error) {
	c, err := fetch.TLS(cfg)
	if err != nil {
		return nil, config.Below(err, "tls")
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	c.NextProtos = []string{"http/1.1"}
	c.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	return c, nil
}

// connect opens a connection and makes it secure if the target is.
func (u *Upstream) connect(ctx context.Context) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", u.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", u.name, err)
	}
	if u.tls == nil {
		return raw, nil
	}
	secure := tls.Client(raw, u.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("handshake with %s: %w", u.name, err)
	}
	return secure, nil
}

// dial opens a connection within connect_timeout, TLS handshake included, and
// before the exchange's deadline if it has one.
func (u *Upstream) dial(deadline time.Time) (*conn, error) {
	ctx := context.Background()
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	if u.connectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, u.connectTimeout)
		defer cancel()
	}
	raw, err := u.connect(ctx)
	if err != nil {
		u.counts.Unconnected.Inc()
		return nil, err
	}
	u.counts.Connected.Inc()
	u.pool.open.Add(1)
	c := &conn{Conn: wire.NewConn(raw), upstream: u}
	c.release = c.finish
	u.readers.Give(c.Conn)
	return c, nil
}
