package introspect

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// nonces are numbers that only this process can have made, each good for one to
// two periods. Nothing is kept of them.
type nonces struct {
	key    []byte
	period time.Duration
}

func newNonces(period time.Duration) *nonces {
	n := &nonces{key: make([]byte, sha256.Size), period: period}
	_, _ = rand.Read(n.key) // never fails
	return n
}

// at is the nonce of a moment.
func (n *nonces) at(now time.Time) string { return n.of(now.UnixNano() / int64(n.period)) }

func (n *nonces) of(period int64) string {
	mac := hmac.New(sha256.New, n.key)
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(period))
	mac.Write(number[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// current reports whether nonce is of now or of the period before.
func (n *nonces) current(nonce string, now time.Time) bool {
	period := now.UnixNano() / int64(n.period)
	return hmac.Equal([]byte(nonce), []byte(n.of(period))) || hmac.Equal([]byte(nonce), []byte(n.of(period-1)))
}
