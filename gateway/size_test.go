//go:build !race

package gateway

// How much is sent through a gateway to show that it keeps none of it, and how
// much memory it may take while it runs.
const (
	large     = 1 << 30
	residency = 64 << 20
	raced     = false
)
