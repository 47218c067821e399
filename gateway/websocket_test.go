package gateway

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A well-known implementation at both ends finds nothing changed: messages,
// fragments, compression, pings, and who closed with which code.
func TestWebSocketPeers(t *testing.T) {
	node, dir := program(t, "node"), installed(t, "sockettest")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := func(arguments ...string) *exec.Cmd {
		process := exec.CommandContext(ctx, node, arguments...)
		process.Dir, process.Stderr, process.WaitDelay = dir, os.Stderr, 10*time.Second
		return process
	}
	target := run("target.mjs")
	in, inErr := target.StdinPipe()
	out, outErr := target.StdoutPipe()
	if inErr != nil || outErr != nil {
		t.Fatal(inErr, outErr)
	}
	if err := target.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := target.Wait(); err != nil {
			t.Errorf("target: %v", err)
		}
	}()
	said := bufio.NewScanner(out)
	said.Scan()
	port, _ := strings.CutPrefix(said.Text(), "listening ")

	g := start(t, bundle{target: "127.0.0.1:" + port})
	text, err := run("caller.mjs", g.address).Output()
	if err != nil {
		t.Errorf("caller: %v", err)
	}
	played := 0
	for line := range strings.Lines(string(text)) {
		played++
		if !strings.HasPrefix(line, "ok ") {
			t.Error(line)
		}
	}
	if played != 12 {
		t.Errorf("%d cases were played, want 12:\n%s", played, text)
	}
	eventually(t, "the tunnels have ended", func() bool { return g.live.Load().inFlight() == 0 })
}
