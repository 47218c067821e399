package route

import (
	"math/rand/v2"

	"postern/gateway/exchange"
	"postern/gateway/sticky"
	"postern/provisioning/config"
)

// share takes a part of the requests, by chance or so that equal ones go the same
// way: then a larger part holds all that a smaller one held. What lacks that by
// which they are equal is not taken.
func (b *builder) share(s *config.Share) condition {
	part := float64(s.Part)
	if s.By == "" {
		return plain(func(*exchange.Exchange) bool { return rand.Float64() < part })
	}
	key, salt := sticky.New(s.By), sticky.Sum(b.name) // another rule takes others
	return plain(func(x *exchange.Exchange) bool {
		hash, ok := key.Of(x)
		return ok && sticky.Part(hash^salt) < part
	})
}
