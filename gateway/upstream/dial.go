package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"postern/gateway/wire"
	"postern/provisioning/config"
)

// sessions is how many TLS sessions are kept for resumption.
const sessions = 16

// clientTLS builds how an https target is spoken to. Its certificate is always
// verified.
func clientTLS(cfg *config.UpstreamTLS, host string) (*tls.Config, error) {
	c := &tls.Config{
		ServerName:         host,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(sessions),
	}
	if cfg == nil {
		return c, nil
	}
	if cfg.ServerName != "" {
		c.ServerName = cfg.ServerName
	}
	if cfg.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if !cfg.CA.IsZero() {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(cfg.CA.Data) {
			return nil, config.Faults{{Path: []any{"tls", "ca"}, Message: fmt.Sprintf("no certificate in %s", cfg.CA.Path)}}
		}
	}
	if !cfg.Certificate.IsZero() {
		pair, err := tls.X509KeyPair(cfg.Certificate.Data, cfg.Key.Data)
		if err != nil {
			return nil, config.Faults{{Path: []any{"tls", "certificate"}, Message: fmt.Sprintf("read %s with its key: %v", cfg.Certificate.Path, err)}}
		}
		c.Certificates = []tls.Certificate{pair}
	}
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
