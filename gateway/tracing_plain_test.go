//go:build !otel

package gateway

import (
	"testing"

	"go.uber.org/zap"

	"postern/gateway/trace"
)

// A build without the exporter says so while loading, and names the one that
// has it.
func TestEndpointNeedsTheExporter(t *testing.T) {
	cfg := load(t, "tracing: {endpoint: \"https://collector.example.com/v1/traces\"}\n"+shop)
	err := New(zap.NewNop()).Check(cfg)
	if want := "tracing.endpoint: " + trace.ErrNotBuilt.Error(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
