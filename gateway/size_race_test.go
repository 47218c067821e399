//go:build race

package gateway

// The race detector multiplies both time and memory.
const (
	large     = 128 << 20
	residency = 128 << 20
	raced     = true
)
