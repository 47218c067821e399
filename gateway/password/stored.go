// Package password verifies what callers show against what is kept of their
// passwords. Slow hashes are computed a few at once, what was right is
// remembered for a while, and nothing tells users that exist from others: not
// the answer, nor the time it takes.
//
// stored.go is one password as it is kept; verifier.go judges, with the help of
// gate.go, cache.go and guard.go.
package password

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"postern/provisioning/config"
)

// maxBcrypt is how much of a password bcrypt looks at; it reads that around and
// around, with a NUL after each. Longer ones and those with a NUL are refused,
// or others would be as good.
const maxBcrypt = 72

// Stored is one password as it is kept; immutable.
type Stored struct {
	hash config.PasswordHash // Algorithm "": it is in the clear
	id   [sha256.Size]byte   // names what is kept, and is what one in the clear is compared by
}

// Parse reads a hash, or takes a password in the clear. Errors do not repeat it.
func Parse(kept config.Secret) (*Stored, error) {
	text := kept.Reveal()
	s := &Stored{id: sha256.Sum256([]byte(text))}
	if !config.IsPasswordHash(text) {
		return s, nil
	}
	var err error
	if s.hash, err = config.ParsePasswordHash(text); err != nil {
		return nil, fmt.Errorf("the password %w", err)
	}
	return s, nil
}

// slow reports whether comparing takes a processor for a while.
func (s *Stored) slow() bool { return s.hash.Algorithm != "" }

// matches compares; how long that takes depends on what is kept only.
func (s *Stored) matches(shown []byte) bool {
	switch s.hash.Algorithm {
	case "":
		sum := sha256.Sum256(shown)
		return subtle.ConstantTimeCompare(sum[:], s.id[:]) == 1
	case "bcrypt":
		fits := len(shown) <= maxBcrypt && bytes.IndexByte(shown, 0) < 0
		same := bcrypt.CompareHashAndPassword([]byte(s.hash.Text), shown[:min(len(shown), maxBcrypt)]) == nil
		return same && fits
	case "argon2i":
		h := &s.hash
		sum := argon2.Key(shown, h.Salt, h.Time, h.Memory, h.Threads, uint32(len(h.Sum)))
		return subtle.ConstantTimeCompare(sum, h.Sum) == 1
	}
	h := &s.hash
	sum := argon2.IDKey(shown, h.Salt, h.Time, h.Memory, h.Threads, uint32(len(h.Sum)))
	return subtle.ConstantTimeCompare(sum, h.Sum) == 1
}
