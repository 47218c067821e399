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
func (t *target) connect(ctx context.Context) (net.Conn, *address, error) {
	raw, at, err := t.names.dial(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to %s: %w", t.name, err)
	}
	if t.tls == nil {
		return raw, at, nil
	}
	secure := tls.Client(raw, t.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, nil, fmt.Errorf("handshake with %s: %w", t.name, err)
	}
	return secure, at, nil
}

// dial opens a connection within limit, TLS handshake included, and before the
// deadline if there is one.
func (t *target) dial(limit time.Duration, deadline time.Time) (*conn, error) {
	ctx := context.Background()
	if limit > 0 {
		if end := time.Now().Add(limit); deadline.IsZero() || end.Before(deadline) {
			deadline = end
		}
	}
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	raw, at, err := t.connect(ctx)
	if err != nil {
		t.counts.Unconnected.Inc()
		return nil, err
	}
	t.counts.Connected.Inc()
	t.pool.open.Add(1)
	c := &conn{Conn: wire.NewConn(raw), target: t, address: at}
	c.release = c.finish
	t.readers.Give(c.Conn)
	return c, nil
}
