package config

import (
	"net"
	"strconv"
	"strings"
	"time"
)

func (v *checker) store(s *Store) {
	if s == nil {
		return
	}
	path := []any{"store", "redis"}
	r := s.Redis
	if r == nil {
		v.add(path, "missing: say where it is, such as {address: 127.0.0.1:6379}")
		return
	}
	v.hasStore = true
	v.redisAddress(path, r)
	if r.TLS != nil {
		v.clientTLS(at(path, "tls"), r.TLS)
	}
	if r.User != "" && r.Password.IsZero() {
		v.add(at(path, "password"), "missing: user needs one")
	}
	for _, bound := range []struct {
		key       string
		value, at int
	}{{"db", r.DB, 1 << 16}, {"connections", r.Connections, 1000}, {"remember", r.Remember, 10_000_000}} {
		if bound.value > bound.at {
			v.add(at(path, bound.key), "must be at most %d", bound.at)
		}
	}
	if len(r.Prefix) > 64 || strings.ContainsFunc(r.Prefix, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		v.add(at(path, "prefix"), "must be 1 to 64 printable ASCII characters without spaces")
	}
	if r.Timeout < Duration(time.Millisecond) {
		v.add(at(path, "timeout"), "must be at least 1ms")
	}
	if r.Timeout > Duration(5*time.Second) {
		v.add(at(path, "timeout"), "must be at most 5s: requests wait for it")
	}
}

// redisAddress checks where the store is, and that what is sent there cannot be
// read on the way unless that is said.
func (v *checker) redisAddress(path []any, r *Redis) {
	path = at(path, "address")
	host, port, err := net.SplitHostPort(r.Address)
	number, wrong := strconv.ParseUint(port, 10, 16)
	switch {
	case r.Address == "":
		v.add(path, "missing: host:port, such as 127.0.0.1:6379")
	case strings.Contains(r.Address, "://"), strings.Contains(r.Address, "@"):
		// Without the text, which may hold a password.
		v.add(path, "must be host:port; what a URL would say stands in user, password, db and tls")
	case err != nil, wrong != nil, number == 0, !validHostPort(r.Address):
		v.add(path, "%q is not host:port, such as 127.0.0.1:6379", r.Address)
	case r.TLS == nil && !r.AllowPlain && !isLoopback(host):
		v.add(path, "beyond this host it must be spoken to with tls; without needs allow_plain: true beside it")
	}
}

// throttleStore checks where a limit counts.
func (v *checker) throttleStore(item []any, t *Throttle) {
	v.oneOf(at(item, "store"), t.Store, "local", "redis")
	switch path := at(item, "on_unavailable"); {
	case t.Store == "redis":
		v.oneOf(path, t.OnUnavailable, "local", "deny", "allow")
		if !v.hasStore {
			v.add(at(item, "store"), "needs store.redis at the top: it says where that is")
		}
	case t.OnUnavailable != "":
		v.add(path, "unused: only store: redis can be away")
	}
}
