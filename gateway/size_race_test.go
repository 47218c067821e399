//go:build race

package gateway

// The race detector multiplies both time and memory.
const (
	large     = 256 << 20
	residency = 200 << 20
	raced     = true
)
