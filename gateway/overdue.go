package gateway

import (
	"context"
	"errors"
	"os"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// errWrite is the outcome of an exchange whose answer could not be sent.
var errWrite = errors.New("write answer")

// overdue counts the limit on time that has ended an exchange, if one has; err is
// what the exchange ended with.
func (s *session) overdue(x *exchange.Exchange, err error) {
	limit := ""
	switch {
	case x.Body != nil && errors.Is(x.Body.Err(), wire.ErrIdle):
		limit = "body_timeout"
	case x.Body != nil && errors.Is(x.Body.Err(), wire.ErrSlow):
		limit = "body_rate"
	case errors.Is(err, errWrite) && errors.Is(err, wire.ErrUnread):
		limit = "answer_rate"
	case errors.Is(err, errWrite) && errors.Is(err, wire.ErrIdle):
		limit = "unread"
	default:
		return
	}
	s.server.metrics.Timeout(limit).Inc()
}

// unshaken counts a TLS handshake that came to nothing.
func (s *server) unshaken(err error) {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		s.metrics.Timeout("handshake").Inc()
		return
	}
	s.metrics.Refused("handshake").Inc()
}
