package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gomodule/redigo/redis"

	"postern/gateway/crash"
)

// conn is one connection, for one user at a time. One that has broken is closed,
// and another one dialed in its place.
type conn struct {
	guard  *guard
	client redis.Conn
}

// dial opens a connection and logs in.
func (s *Store) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ConnectTimeout.Limit())
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", s.cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if s.tls != nil {
		secure := tls.Client(raw, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		raw = secure
	}
	c := over(raw)
	if err := s.login(c); err != nil {
		c.close()
		return nil, fmt.Errorf("log in: %w", err)
	}
	return c, nil
}

// over speaks RESP over a connection.
func over(raw net.Conn) *conn {
	g := &guard{Conn: raw}
	return &conn{guard: g, client: redis.NewConn(g, 0, 0)}
}

func (s *Store) login(c *conn) error {
	if err := c.guard.until(time.Now().Add(s.cfg.ConnectTimeout.Limit())); err != nil {
		return err
	}
	if password := s.cfg.Password.Reveal(); password != "" {
		credentials := []any{password}
		if s.cfg.User != "" {
			credentials = []any{s.cfg.User, password}
		}
		if _, err := c.client.Do("AUTH", credentials...); err != nil {
			return err
		}
	}
	if s.cfg.DB != 0 {
		if _, err := c.client.Do("SELECT", s.cfg.DB); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) close() { _ = c.client.Close() }

// run lets Redis run a script, until the deadline. After an error that is not an
// answer of Redis the connection is broken.
func (c *conn) run(deadline time.Time, script *redis.Script, keysAndArgs ...any) (reply []int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read the answer: %s", crash.Text(p))
		}
	}()
	if err := c.guard.until(deadline); err != nil {
		return nil, err
	}
	reply, err = redis.Int64s(script.Do(c.client, keysAndArgs...))
	if err == nil && len(reply) != replyLength {
		err = fmt.Errorf("answer has %d numbers", len(reply))
	}
	return reply, err
}

// answered reports whether err is an answer of Redis, after which the connection
// is as good as before.
func answered(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}
