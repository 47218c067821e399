package gateway

import (
	"fmt"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// tunnel sends the head of a 101 and lets the upstream carry what follows it,
// until both sides have ended.
func (s *session) tunnel(x *exchange.Exchange) exchange.End {
	a := &x.Answer
	end := exchange.End{Status: a.Status}
	piece := wire.Piece()
	*piece = appendSwitch(*piece, x)
	_, err := s.conn.Write(*piece)
	wire.PutPiece(piece)
	if err != nil {
		release(a, false)
		end.Err = fmt.Errorf("write answer: %w", err)
		return end
	}
	s.tunnels.Store(true)
	t := a.Tunnel(s.server.readers)
	release(a, false)
	end.Sent, end.Received, end.Tunnel, end.Err = t.Sent, t.Received, t.Duration, t.Err
	x.Reason = t.Reason
	if t.Err == nil {
		_ = s.conn.CloseAfterAnswer() // both have said all they had to say
	}
	return end
}

// appendSwitch writes the head of a 101 as the caller shall see it.
func appendSwitch(b []byte, x *exchange.Exchange) []byte {
	a := &x.Answer
	b = wire.AppendStatus(b, a.Status, a.Reason)
	b = a.Head.Append(b)
	b = append(b, "Connection: Upgrade\r\nUpgrade: "...)
	b = append(b, x.Upgrade...)
	return append(b, "\r\n\r\n"...)
}
