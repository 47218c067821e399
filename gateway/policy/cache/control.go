package cache

import (
	"bytes"

	"postern/gateway/wire"
)

// control is what the Cache-Control of a message says (RFC 9111 5.2). Ages are in
// seconds; unsaid when they are not there.
type control struct {
	noStore, noCache, private, public, mustRevalidate bool
	maxAge, sMaxAge, minFresh                         int64
	broken                                            bool // an age that is none, or two that differ
}

const (
	unsaid = -1
	// maxAge is as long as any age counts (RFC 9111 1.2.2).
	maxAge = 1 << 31
)

// readControl reads all lines of Cache-Control, and Pragma where there is none.
func readControl(head *wire.Head) control {
	c := control{maxAge: unsaid, sMaxAge: unsaid, minFresh: unsaid}
	stated, pragma := false, false
	head.Visit(func(name, value []byte) {
		switch {
		case is(name, "cache-control"):
			stated = true
			c.read(value)
		case is(name, "pragma"):
			pragma = pragma || lists(value, "no-cache")
		}
	})
	c.noCache = c.noCache || pragma && !stated
	return c
}

// read takes the directives of one line. Those that are not known are ignored,
// and those with a list of fields hold for the whole answer.
func (c *control) read(value []byte) {
	for len(value) > 0 {
		var name, argument []byte
		name, argument, value = directive(value)
		switch {
		case is(name, "no-store"):
			c.noStore = true
		case is(name, "no-cache"):
			c.noCache = true
		case is(name, "private"):
			c.private = true
		case is(name, "public"):
			c.public = true
		case is(name, "must-revalidate"), is(name, "proxy-revalidate"):
			c.mustRevalidate = c.mustRevalidate || is(name, "must-revalidate")
		case is(name, "max-age"):
			c.age(&c.maxAge, argument)
		case is(name, "s-maxage"):
			c.age(&c.sMaxAge, argument)
		case is(name, "min-fresh"):
			c.age(&c.minFresh, argument)
		}
	}
}

func (c *control) age(to *int64, argument []byte) {
	n, ok := seconds(argument)
	if !ok || *to != unsaid && *to != n {
		c.broken = true
		return
	}
	*to = n
}

// directive cuts the first directive off a list: its name, its argument without
// quotes, and the rest.
func directive(list []byte) (name, argument, rest []byte) {
	end := 0
	for end < len(list) && list[end] != ',' && list[end] != '=' {
		end++
	}
	name = bytes.Trim(list[:end], " \t")
	if end == len(list) || list[end] == ',' {
		return name, nil, list[min(end+1, len(list)):]
	}
	list = bytes.TrimLeft(list[end+1:], " \t")
	if len(list) == 0 || list[0] != '"' {
		argument, rest, _ = bytes.Cut(list, comma)
		return name, bytes.Trim(argument, " \t"), rest
	}
	end = 1
	for end < len(list) && list[end] != '"' {
		if list[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(list))
	argument = list[1:end]
	_, rest, _ = bytes.Cut(list[end:], comma)
	return name, argument, rest
}

var comma = []byte{','}

// seconds reads a delta-seconds (RFC 9111 1.2.2).
func seconds(text []byte) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), maxAge)
	}
	return n, len(text) > 0
}

// lists reports whether a list of tokens holds token, in any case.
func lists(list []byte, token string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, comma)
		if is(bytes.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}

// is compares with a name in small letters, without case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
