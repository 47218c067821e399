package examples_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// TestBenchmark: the script runs to its end, and no request of it fails. What it
// measures in a second is not looked at.
func TestBenchmark(t *testing.T) {
	for _, program := range []string{"wrk", "nginx", "curl"} {
		needs(t, program)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "bash", "benchmark/run.sh", "1", "4")
	run.Env = append(os.Environ(), fmt.Sprintf("UPSTREAM_PORT=%d", freePort(t)), fmt.Sprintf("PORT=%d", freePort(t)))
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) } // it cleans up behind itself
	run.WaitDelay = 10 * time.Second
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows := regexp.MustCompile(`(?m)^\| [a-z ,]+ \| [1-9]\d* \| [\d.]+ \| [\d.]+ \| 0 \|$`).FindAll(out, -1)
	if len(rows) != 3 {
		t.Errorf("%d rows, want 3:\n%s", len(rows), out)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
