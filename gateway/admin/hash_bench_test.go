package admin_test

import (
	"fmt"
	"testing"

	"postern/gateway/admin"
)

// A hash is made for each configuration that is built.
func BenchmarkHash(b *testing.B) {
	cfg := testConfig()
	for n := len(cfg.APIs); n < 1000; n++ {
		api := cfg.APIs[0]
		api.Name = fmt.Sprintf("api-%d", n)
		cfg.APIs = append(cfg.APIs, api)
	}
	for b.Loop() {
		admin.Hash(cfg)
	}
}
