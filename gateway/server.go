package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// server accepts connections and turns what arrives on them into exchanges.
type server struct {
	log    *zap.Logger
	handle func(*exchange.Exchange)
	refuse func(*exchange.Exchange, *problem.Problem)

	headerTimeout, bodyTimeout, idleTimeout time.Duration // 0: none
	bodyRate                                int64
	connections                             int64

	readers   *wire.Readers
	exchanges sync.Pool
	writers   sync.Pool

	open     atomic.Int64 // connections accepted and not yet ended
	next     atomic.Uint32
	draining atomic.Bool

	mu       sync.Mutex
	sessions map[*session]struct{}
	idle     chan struct{} // closed when draining and the last session has ended
}

// newServer prepares a server; it listens nowhere yet.
func newServer(limits config.Limits, log *zap.Logger) *server {
	return &server{
		log:           log,
		headerTimeout: limits.HeaderTimeout.Limit(),
		bodyTimeout:   limits.BodyTimeout.Limit(),
		idleTimeout:   limits.IdleTimeout.Limit(),
		bodyRate:      limits.BodyRate.Limit(),
		connections:   int64(limits.Connections),
		readers:       wire.NewReaders(int(limits.HeaderSize.Limit())),
		exchanges:     sync.Pool{New: func() any { return &exchange.Exchange{HTTP: &fasthttp.RequestCtx{}} }},
		writers:       sync.Pool{New: func() any { return bufio.NewWriter(nil) }},
		sessions:      map[*session]struct{}{},
		idle:          make(chan struct{}),
	}
}

// overloaded is what a connection beyond limits.connections is told.
var overloaded = []byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")

// serve accepts from l until it is closed. secure, when not nil, gives the TLS
// configuration of each new connection.
func (s *server) serve(l net.Listener, secure func() *tls.Config) error {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			// Out of descriptors, mostly: wait for some to come back.
			s.log.Warn("accept a connection", zap.String("listener", l.Addr().String()), zap.Error(err))
			time.Sleep(acceptPause)
			continue
		}
		if s.open.Add(1) > s.connections {
			s.open.Add(-1)
			if secure == nil {
				_ = c.SetWriteDeadline(time.Now().Add(acceptPause))
				_, _ = c.Write(overloaded) // a courtesy; the close says the same
			}
			_ = c.Close()
			continue
		}
		go s.accepted(c, secure)
	}
}

// acceptPause is a moment in which the accept loop may rest.
const acceptPause = 10 * time.Millisecond

// accepted serves one connection to its end.
func (s *server) accepted(c net.Conn, secure func() *tls.Config) {
	defer s.open.Add(-1)
	if secure != nil {
		t, err := s.handshake(c, secure())
		if err != nil {
			s.log.Debug("tls handshake", zap.String("peer", c.RemoteAddr().String()), zap.Error(err))
			_ = c.Close() // it never became a connection
			return
		}
		c = t
	}
	session := &session{server: s, conn: wire.NewConn(c), shard: s.next.Add(1)}
	if t, ok := c.(*tls.Conn); ok {
		session.tls = t.ConnectionState().Version
	}
	session.conn.WriteLimit = s.idleTimeout
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		address := tcp.AddrPort()
		session.peer = netip.AddrPortFrom(address.Addr().Unmap().WithZone(""), address.Port())
		session.conn.Peer = session.peer.Addr().String()
	}
	if !s.join(session) {
		_ = c.Close() // draining
		return
	}
	defer s.leave(session)
	s.readers.Give(session.conn)
	session.serve()
}

// handshake speaks TLS within limits.header_timeout.
func (s *server) handshake(c net.Conn, cfg *tls.Config) (net.Conn, error) {
	ctx := context.Background()
	if s.headerTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.headerTimeout)
		defer cancel()
	}
	t := tls.Server(c, cfg)
	return t, t.HandshakeContext(ctx)
}

func (s *server) join(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.sessions[c] = struct{}{}
	return true
}

func (s *server) leave(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
	if s.draining.Load() && len(s.sessions) == 0 {
		close(s.idle)
	}
}

// shutdown closes the idle connections, lets requests finish until ctx ends, and
// then ends what is left. The listeners are closed already.
func (s *server) shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.draining.Swap(true) {
		s.mu.Unlock()
		return nil
	}
	if len(s.sessions) == 0 {
		close(s.idle)
	}
	for c := range s.sessions {
		if c.idle.Load() {
			c.conn.StopReading()
		}
	}
	s.mu.Unlock()
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	return s.abort()
}

// abort ends every connection that is left.
func (s *server) abort() error {
	s.mu.Lock()
	left := len(s.sessions)
	for c := range s.sessions {
		c.conn.Stop()
		_ = c.conn.Reset() // cut short, and it shall look so
	}
	s.mu.Unlock()
	<-s.idle
	if left > 0 {
		return fmt.Errorf("end %d connections whose requests had not finished in time", left)
	}
	return nil
}
