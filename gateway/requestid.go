package gateway

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"strconv"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

// ids makes request ids: a random word of this process, and a count.
type ids struct {
	prefix []byte
	counts [counters]counter
}

func newIDs() *ids {
	word := make([]byte, 8)
	_, _ = rand.Read(word) // never fails
	return &ids{prefix: append(hex.AppendEncode(nil, word), '-')}
}

// give sets the id of x: the caller's own when it is acceptable, otherwise a new
// one. It reports whether it is the caller's.
func (i *ids) give(x *exchange.Exchange) (kept bool) {
	own, count := []byte(nil), 0
	x.Head.Visit(func(name, value []byte) {
		if len(name) == len(problem.RequestID) && bytes.EqualFold(name, requestID) {
			own = value
			count++
		}
	})
	if count == 1 && acceptable(own) {
		x.ID = append(x.ID[:0], own...)
		return true
	}
	shard := x.Shard % counters
	n := uint64(i.counts[shard].Add(1))*counters + uint64(shard)
	x.ID = strconv.AppendUint(append(x.ID[:0], i.prefix...), n, 36)
	return false
}

var requestID = []byte(problem.RequestID)

// acceptable reports whether an id may stand in logs and answers as it is.
func acceptable(id []byte) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
