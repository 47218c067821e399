package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asCommand makes the test binary the command itself, with its command line.
const asCommand = "TEST_BINARY_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	m.Run()
}

// process is the command at work.
type process struct {
	*exec.Cmd
	log            *output
	traffic, admin string
}

// start runs the command with a configuration, and with more environment.
func start(t *testing.T, path string, environ ...string) process {
	t.Helper()
	p := process{Cmd: exec.CommandContext(t.Context(), os.Args[0], "run", "-c", path), log: new(output)}
	p.Env = environ
	p.run(t)
	return p
}

// run starts the process and waits until it listens.
func (p *process) run(t *testing.T) {
	t.Helper()
	p.Env = append(append(os.Environ(), asCommand+"=1"), p.Env...)
	p.Stdout, p.Stderr = p.log, p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	const listening = `"msg":"listening","listener":"%s","address":"(127\.0\.0\.1:\d+)"`
	p.traffic = "http://" + p.log.await(t, fmt.Sprintf(listening, "http"))[1]
	p.admin = "http://" + p.log.await(t, fmt.Sprintf(listening, "admin"))[1]
}

// TestRunTellsOfATakenPort in one line, before anything seems to be well.
func TestRunTellsOfATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	code, _, stderr := command(t, "run", "-c", write(t, strings.Replace(open, "127.0.0.1:0", address, 1)))
	want := "apply configuration: listen on " + address + ", as ports.http says: bind: address already in use\n"
	if code != 1 || stderr != want {
		t.Errorf("exit code %d, want 1 and\n%sgot\n%s", code, want, stderr)
	}
}
