package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/introspect"
	"postern/provisioning/config"
)

// server accepts connections and turns what arrives on them into exchanges.
type server struct {
	log    *sampler
	handle func(*exchange.Exchange)
	refuse func(*exchange.Exchange, *problem.Problem)

	headerTimeout, bodyTimeout, idleTimeout time.Duration // 0: none
	bodyRate, answerRate                    int64
	connections                             int64
	perIP                                   *perAddress // nil: one address may have all of them
	metrics                                 *metrics.Instruments

	readers   *wire.Readers
	exchanges sync.Pool
	writers   sync.Pool

	open     atomic.Int64 // connections accepted and not yet ended
	next     atomic.Uint32
	leaving  atomic.Bool // answers end their connections
	draining atomic.Bool // connections without a request end, too

	mu        sync.Mutex
	sessions  map[*session]struct{}
	accepting int           // listeners that may still bring connections
	aborted   bool          // nothing may go on
	idle      chan struct{} // closed when draining and nothing is left; then settled
	settled   bool
}

// newServer prepares a server; it listens nowhere yet.
func newServer(limits config.Limits, log *sampler, m *metrics.Instruments) *server {
	s := &server{
		log:           log,
		metrics:       m,
		headerTimeout: limits.HeaderTimeout.Limit(),
		bodyTimeout:   limits.BodyTimeout.Limit(),
		idleTimeout:   limits.IdleTimeout.Limit(),
		bodyRate:      limits.BodyRate.Limit(),
		answerRate:    limits.AnswerRate.Limit(),
		connections:   int64(limits.Connections),
		readers:       wire.NewReaders(int(limits.HeaderSize.Limit())),
		exchanges:     sync.Pool{New: func() any { return &exchange.Exchange{HTTP: &fasthttp.RequestCtx{}} }},
		writers:       sync.Pool{New: func() any { return bufio.NewWriter(nil) }},
		sessions:      map[*session]struct{}{},
		idle:          make(chan struct{}),
	}
	if limits.PerIP != nil {
		s.perIP = newPerAddress(limits.PerIP.Connections)
	}
	return s
}

// serve accepts from l until it is closed. secure, when not nil, gives the TLS
// configuration of each new connection.
func (s *server) serve(l net.Listener, secure func() *tls.Config) error {
	s.accepts(1)
	defer s.accepts(-1)
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			// Out of descriptors, mostly: wait for some to come back.
			if c := s.log.check(zap.WarnLevel, "accept a connection", ""); c != nil {
				c.Write(zap.String("listener", l.Addr().String()), zap.Error(err))
			}
			time.Sleep(acceptPause)
			continue
		}
		if why := s.admit(c); why != nil {
			s.turnAway(c, why, secure == nil)
			continue
		}
		go s.accepted(c, secure)
	}
}

// acceptPause is a moment in which the accept loop may rest.
const acceptPause = 10 * time.Millisecond

// accepted serves one connection to its end.
func (s *server) accepted(c net.Conn, secure func() *tls.Config) {
	var t *tls.Conn
	if secure != nil {
		t = tls.Server(c, secure())
		c = t
	}
	session := s.newSession(c)
	defer s.leave(session)
	defer session.rescue()
	if !s.join(session) {
		_ = c.Close() // nothing has come of it yet
		return
	}
	if t != nil {
		if err := s.handshake(t); err != nil {
			s.unshaken(err)
			if c := s.log.check(zap.DebugLevel, "tls handshake", ""); c != nil {
				c.Write(zap.String("peer", session.conn.Peer), zap.Error(err))
			}
			_ = c.Close() // it never became a connection
			return
		}
		state := t.ConnectionState()
		session.tls = state.Version
		if len(state.PeerCertificates) > 0 {
			session.certificate = introspect.Thumbprint(state.PeerCertificates[0].Raw)
		}
	}
	s.readers.Give(session.conn)
	session.serve()
}

func (s *server) newSession(c net.Conn) *session {
	n := &session{server: s, conn: wire.NewConn(c), shard: s.next.Add(1)}
	n.conn.WriteLimit, n.conn.WriteRate = s.idleTimeout, s.answerRate
	if n.peer = peerOf(c); n.peer.IsValid() {
		n.conn.Peer = n.peer.Addr().String()
	}
	return n
}

// peerOf is the other side's address; not valid where there is none.
func peerOf(c net.Conn) netip.AddrPort {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	address := tcp.AddrPort()
	return netip.AddrPortFrom(address.Addr().Unmap().WithZone(""), address.Port())
}

// handshake speaks TLS within limits.header_timeout.
func (s *server) handshake(t *tls.Conn) error {
	ctx := context.Background()
	if s.headerTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.headerTimeout)
		defer cancel()
	}
	return t.HandshakeContext(ctx)
}
