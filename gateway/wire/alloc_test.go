//go:build !race

package wire_test

import (
	"io"
	"testing"
	"time"

	"postern/gateway/wire"
)

// What every request passes through allocates nothing.
func TestAllocations(t *testing.T) {
	m := new(message)
	read := requests(m)
	edit := func() error {
		err := read()
		m.head.Del("Authorization")
		m.head.Set("X-User", "shop")
		return err
	}
	for name, f := range map[string]func() error{
		"request head":        requests(new(message)),
		"request head edited": edit,
		"response head":       responses(),
		"relay of a length":   relays(kibibyte, false),
		"relay of chunks":     relays("400\r\n"+kibibyte+"\r\n0\r\n\r\n", true),
		"connection":          echoes(t),
	} {
		var err error
		if n := testing.AllocsPerRun(100, func() { err = f() }); n != 0 || err != nil {
			t.Errorf("%s: %v allocations, %v", name, n, err)
		}
	}
}

// echoes looks at a connection, writes to it and reads from it, within limits.
func echoes(t *testing.T) func() error {
	c, far := pair(t)
	c.ReadLimit, c.WriteLimit = time.Minute, time.Minute
	c.Watch = c
	p := make([]byte, 64)
	go func() {
		_, _ = io.Copy(far, far) // ends with the connection
	}()
	return func() error {
		if c.Gone() || c.Stale() {
			return wire.ErrGone
		}
		if _, err := c.Write(p); err != nil {
			return err
		}
		_, err := io.ReadFull(c, p)
		return err
	}
}
