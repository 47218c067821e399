package examples_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap/zaptest"

	"postern/gateway"
	"postern/provisioning"
)

func TestExamples(t *testing.T) {
	folders, err := filepath.Glob("*/expect.txt")
	if err != nil || len(folders) == 0 {
		t.Fatalf("found %d examples: %v", len(folders), err)
	}
	for _, expect := range folders {
		folder := filepath.Dir(expect)
		t.Run(folder, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(folder, "README.md")); err != nil {
				t.Errorf("an example explains itself: %v", err)
			}
			base := boot(t, folder)
			for _, e := range readExpectations(t, expect) {
				t.Run(e.name(), func(t *testing.T) { e.play(t, folder, base) })
			}
		})
	}
}

// boot runs a gateway on a copy of an example's settings, on free ports and
// before a service of its own, and returns its address. edits are pairs of old
// and new text.
func boot(t *testing.T, folder string, edits ...string) string {
	t.Helper()
	settings := settle(t, folder, edits...)
	loaded, err := provisioning.Load(provisioning.Sources{
		Paths:   []string{settings},
		Environ: []string{"POSTERN_PORTS_HTTP=127.0.0.1:0", "POSTERN_ADMIN_API_LISTEN=127.0.0.1:0"},
		Strict:  true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(zaptest.NewLogger(t))
	if err := g.Apply(loaded.Config); err != nil {
		t.Fatal(err)
	}
	return serve(t, g)
}

// serve runs a gateway until the test ends and returns the address of its
// traffic.
func serve(t *testing.T, g *gateway.Gateway) string {
	t.Helper()
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + g.Addrs().HTTP.String()
}
