package wire

import (
	"errors"
	"os"
	"time"
)

// SetFree lifts every limit on silence, for a connection that speaks HTTP no
// more: only Stop ends a read or a write from here on.
func (c *Conn) SetFree() {
	c.ReadLimit, c.WriteLimit, c.Until = 0, 0, time.Time{}
	c.Watch, c.Busy, c.Leave = nil, nil, nil
	c.readBy = time.Time{}
	_ = c.SetDeadline(time.Time{}) // fails only on a closed connection, as the next read does
}

// ReadPiece waits until there is something to read and returns it in a piece,
// which goes back to PutPiece. While it waits it holds no buffer. After SetFree
// it fails as the connection does, or with ErrGone after Stop. R must be empty.
func (c *Conn) ReadPiece() (*[]byte, error) {
	if c.secure {
		// One read of the socket may have brought several records.
		_ = c.SetReadDeadline(past)
		piece, err := c.readPiece()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return piece, err
		}
	}
	err := c.awaitReadable()
	var piece *[]byte
	if err == nil {
		piece, err = c.readPiece()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrGone
	}
	return piece, err
}

func (c *Conn) readPiece() (*[]byte, error) {
	piece := Piece()
	n, err := c.Conn.Read((*piece)[:cap(*piece)])
	if n == 0 {
		PutPiece(piece)
		return nil, err
	}
	*piece = (*piece)[:n]
	return piece, nil // an error shows again
}

// CloseWrite tells the peer that nothing more comes, where the connection knows
// half of an end; otherwise it does nothing.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
