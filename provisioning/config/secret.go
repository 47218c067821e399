package config

import (
	"crypto/subtle"
	"fmt"
)

// Secret is a value that prints as *** wherever it is printed: logs, status,
// errors and every fmt verb. Only Reveal gives it out.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the value to the one that must use it; it is never logged.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether nothing was configured.
func (s Secret) IsZero() bool { return s.value == "" }

// Equal compares in constant time.
func (s Secret) Equal(other string) bool {
	return subtle.ConstantTimeCompare([]byte(s.value), []byte(other)) == 1
}

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// MarshalText keeps the value out of JSON, YAML and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }
