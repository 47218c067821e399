package store

import (
	"errors"
	"net"
	"time"
)

// guard bounds what a server can make the client read and allocate, which itself
// believes every length. All that is ever answered here is short. It has one
// deadline for writing and reading, which the client leaves alone.
type guard struct {
	net.Conn
	left int  // bytes of the answer that may still come
	skip int  // bytes of a text that follow
	kind byte // of the line that is being read; 0: none
	size int  // that it states
}

// Bounds of one answer.
const (
	maxAnswer = 4 << 10
	maxItems  = 16
)

var errAnswer = errors.New("answer is not one of Redis, or too long")

// until sets the deadline.
func (g *guard) until(deadline time.Time) error { return g.Conn.SetDeadline(deadline) }

// SetReadDeadline changes nothing.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// Write begins another question.
func (g *guard) Write(p []byte) (int, error) {
	g.left = maxAnswer
	return g.Conn.Write(p)
}

// Read refuses what is out of bounds before the client sees it.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if g.left -= n; g.left < 0 || !g.scan(p[:n]) {
		return 0, errAnswer
	}
	return n, err
}

// scan follows the lines of RESP and reports whether their sizes are in bounds.
func (g *guard) scan(p []byte) bool {
	for i := 0; i < len(p); i++ {
		switch b := p[i]; {
		case g.skip > 0:
			step := min(g.skip, len(p)-i)
			g.skip -= step
			i += step - 1
		case g.kind == 0:
			g.kind, g.size = b, 0
		case b == '\n':
			if g.kind == '$' {
				g.skip = g.size + len("\r\n")
			}
			g.kind = 0
		case g.kind == '$' && !g.digit(b, maxAnswer), g.kind == '*' && !g.digit(b, maxItems):
			return false
		}
	}
	return true
}

// digit takes a byte of a size. What stands for nothing, -1, is never answered.
func (g *guard) digit(b byte, most int) bool {
	if b == '\r' {
		return true
	}
	g.size = 10*g.size + int(b-'0')
	return '0' <= b && b <= '9' && g.size <= most
}
