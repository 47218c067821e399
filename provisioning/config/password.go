package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Passwords bounds how passwords are verified, all of those that callers show.
type Passwords struct {
	Verifications int           `yaml:"verifications"` // slow hashes that are computed at once; default one for each processor
	MaxWait       Duration      `yaml:"max_wait"`      // for one of these turns; default 1s
	Cache         PasswordCache `yaml:"cache"`
	Failures      int           `yaml:"failures"`           // wrong passwords for one user from one address, after which it must pause; default 5
	Pause         Duration      `yaml:"pause" allow:"none"` // how long; default 30s
}

// PasswordCache bounds what is remembered of passwords that were right.
type PasswordCache struct {
	Entries int      `yaml:"entries"`          // default 10000
	TTL     Duration `yaml:"ttl" allow:"none"` // after which a password is verified anew; default 10m; none: nothing is remembered
}

// PasswordHash is a password as bcrypt or Argon2 keeps it.
type PasswordHash struct {
	Algorithm string // bcrypt, argon2id or argon2i
	Text      string // as it was written
	// Of Argon2 (RFC 9106):
	Memory, Time uint32 // KiB, passes
	Threads      uint8
	Salt, Sum    []byte
}

// Bounds on what verifying one password may cost, so that no hash holds up the
// gateway: about a second, and a quarter of a gigabyte.
const (
	maxBcryptCost  = 14
	maxArgonMemory = 256 << 10 // KiB
	maxArgonWork   = 1 << 20   // memory × passes
	maxArgonTime   = 64
)

var (
	bcryptForm = regexp.MustCompile(`\A\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}\z`)
	argonForm  = regexp.MustCompile(`\A\$(argon2id|argon2i)\$v=([0-9]{1,4})\$m=([0-9]{1,10}),t=([0-9]{1,10}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)\z`)
	hashForm   = regexp.MustCompile(`\A(\$[0-9A-Za-z-]+\$|\{[0-9A-Za-z_-]+\})`)
)

// IsPasswordHash reports whether a password is written as a hash of some kind,
// not in the clear.
func IsPasswordHash(text string) bool { return hashForm.MatchString(text) }

// ParsePasswordHash reads $2a$, $2b$ and $2y$ of bcrypt, and $argon2id$ and
// $argon2i$ as the PHC string format has them. Errors do not repeat the text.
func ParsePasswordHash(text string) (PasswordHash, error) {
	if strings.HasPrefix(text, "$argon2") {
		return parseArgon2(text)
	}
	if !strings.HasPrefix(text, "$2") {
		return PasswordHash{}, errors.New("is a hash of a kind that cannot be verified: use bcrypt ($2b$) or Argon2 ($argon2id$)")
	}
	parts := bcryptForm.FindStringSubmatch(text)
	if parts == nil {
		return PasswordHash{}, errors.New("is not a whole bcrypt hash, such as $2b$12$ and 53 more characters")
	}
	if cost, _ := strconv.Atoi(parts[1]); cost < 4 || cost > maxBcryptCost {
		return PasswordHash{}, fmt.Errorf("has bcrypt's cost %d; it must lie between 4 and %d, or one request costs too much", cost, maxBcryptCost)
	}
	return PasswordHash{Algorithm: "bcrypt", Text: text}, nil
}

func parseArgon2(text string) (PasswordHash, error) {
	parts := argonForm.FindStringSubmatch(text)
	if parts == nil {
		return PasswordHash{}, errors.New("is not a whole Argon2 hash, such as $argon2id$v=19$m=65536,t=3,p=4$salt$hash; where commas separate, quote it")
	}
	h := PasswordHash{Algorithm: parts[1], Text: text}
	var numbers [4]uint64
	for i := range numbers {
		numbers[i], _ = strconv.ParseUint(parts[2+i], 10, 64)
	}
	version, memory, time, threads := numbers[0], numbers[1], numbers[2], numbers[3]
	switch {
	case version != 19:
		return h, fmt.Errorf("has version %d of Argon2; only 19 is known", version)
	case threads < 1 || threads > 16:
		return h, fmt.Errorf("has Argon2's p=%d; it must lie between 1 and 16", threads)
	case time < 1 || time > maxArgonTime:
		return h, fmt.Errorf("has Argon2's t=%d; it must lie between 1 and %d", time, maxArgonTime)
	case memory < 8*threads || memory > maxArgonMemory || memory*time > maxArgonWork:
		return h, fmt.Errorf("has Argon2's m=%d, t=%d; m must lie between 8 for each p and %d, and m × t below %d, or one request costs too much", memory, time, maxArgonMemory, maxArgonWork+1)
	}
	h.Memory, h.Time, h.Threads = uint32(memory), uint32(time), uint8(threads)
	var salt, sum error
	h.Salt, salt = base64.RawStdEncoding.Strict().DecodeString(parts[6])
	h.Sum, sum = base64.RawStdEncoding.Strict().DecodeString(parts[7])
	if salt != nil || sum != nil || len(h.Salt) < 8 || len(h.Salt) > 64 || len(h.Sum) < 16 || len(h.Sum) > 64 {
		return h, errors.New("has a salt or a hash of Argon2 that is not base64, or too short or too long: 8 to 64 and 16 to 64 bytes")
	}
	return h, nil
}
