// Postern is a gateway that stands beside one service. This file is the command
// line: it lists the commands, each of which lives beside the work it does, and
// serves. gateway/assembly joins what serves.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"postern/examples/demo"
	"postern/gateway"
	"postern/gateway/assembly"
	"postern/gateway/completion"
	"postern/gateway/explain"
	"postern/gateway/health"
	"postern/gateway/password/hash"
	"postern/gateway/system"
	"postern/gateway/version"
	"postern/introspect/keys"
	"postern/introspect/token"
	"postern/provisioning"
	"postern/provisioning/check"
	"postern/provisioning/schema"
)

func main() {
	time.Local = time.UTC // whatever TZ says: what is logged and shown is in one time
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(new(commands).execute(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

const description = `An edge gateway beside one service.

	postern demo                       everything needed to try it, on loopback
	postern check -c postern.yaml      every fault, with its line
	postern run -c postern.yaml        serve

Exit codes: 0 all is well, 1 the command or what it found is at fault, 2 the command line is.`

// streams are what the commands read and write.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// commands are all there are; each lives beside what it works with.
type commands struct {
	Run        runCommand         `cmd:"" help:"Serve."`
	Check      check.Command      `cmd:"" help:"Report every fault of a configuration, and serve nothing."`
	Explain    explain.Command    `cmd:"" help:"Say step by step why a request passes or is refused."`
	Health     health.Command     `cmd:"" help:"Ask the gateway on this host whether it is ready."`
	Token      token.Command      `cmd:"" help:"Sign, verify and decode tokens."`
	Schema     schema.Command     `cmd:"" help:"Print the JSON Schema of the configuration, for editors."`
	Keys       keys.Command       `cmd:"" help:"Make signing keys and key sets."`
	Hash       hash.Command       `cmd:"" help:"Print what to keep of a password or an API key."`
	Demo       demoCommand        `cmd:"" help:"Run a gateway with an issuer and an upstream on loopback, to try it."`
	Completion completion.Command `cmd:"" help:"Print a script that completes command lines in your shell."`
	Version    version.Command    `cmd:"" help:"Say which Postern this is, and how it was built."`
}

// execute runs one command line. It returns 0, 1 when the command or what it
// found is at fault, or 2 when the command line is.
func (c *commands) execute(ctx context.Context, args []string, s streams) int {
	helped := false
	parser := newParser(c, s,
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Exit(func(int) { helped = true })) // --help has printed
	if len(args) == 0 {
		parser.Stdout = s.err
		_, _ = parser.Parse([]string{"--help"})
		return 2
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return 0
	case err != nil:
		fmt.Fprintf(s.err, "postern: %v; try %s --help\n", err, meant(err))
		return 2
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(s.err, err)
		return 1
	}
	return 0
}

// meant is the command that a wrong command line was for, as far as it got.
func meant(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		if command := wrong.Context.Selected(); command != nil {
			return command.FullPath()
		}
	}
	return "postern"
}

func newParser(c *commands, s streams, more ...kong.Option) *kong.Kong {
	return kong.Must(c, append(more,
		kong.Name("postern"), kong.Description(description), kong.Writers(s.out, s.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Bind(s), kong.BindTo(s.in, (*io.Reader)(nil)))...)
}

type runCommand struct{ provisioning.Flags }

// Help is shown by --help.
func (runCommand) Help() string {
	return `A changed configuration is taken over while serving; a bad one changes nothing. SIGHUP loads again; SIGTERM and Ctrl-C end it gracefully, a second one at once.

	postern run -c postern.yaml
	postern run -c /etc/postern -c local.yaml
	POSTERN_LOGGING_LEVEL=debug postern run`
}

// Run serves until a signal ends ctx.
func (c runCommand) Run(ctx context.Context, s streams) error {
	signal.Ignore(syscall.SIGPIPE) // who reads the logs may leave; requests go on
	g, reloader, log := assembly.Join(version.Read().String(), c.Sources(), s.err)
	if err := reloader.First(); err != nil {
		return err
	}
	system.LimitMemory(log)
	system.CheckDescriptors(log, g.Config().Limits.Connections)

	group, ctx := errgroup.WithContext(ctx)
	manager := system.Notify(log)
	defer manager.Close()
	context.AfterFunc(ctx, manager.Stopping)
	reloader.Begin = manager.Reloading
	reloader.End = func(o provisioning.Outcome) { manager.Serving(o.Generation, o.Err) }
	reloader.End(reloader.Last())
	group.Go(func() error { return reloader.Run(ctx) })
	group.Go(func() error { return g.Serve(ctx) })
	return group.Wait()
}

type demoCommand struct {
	Once  bool       `help:"Play the requests, a live edit and a key rotation; exit code 0 only if all of it was right."`
	Hooks demo.Hooks `kong:"-"`
}

// Help is shown by --help.
func (demoCommand) Help() string {
	return `It prints curl lines for what a gateway does, and the settings to edit meanwhile.

	postern demo
	postern demo --once`
}

// Run shows the gateway at work.
func (c demoCommand) Run(ctx context.Context, s streams) error {
	wired := func(from provisioning.Sources) (*gateway.Gateway, *provisioning.Reloader) {
		g, reloader, _ := assembly.Join(version.Read().String(), from, s.err)
		return g, reloader
	}
	return demo.Run(ctx, demo.Options{Out: s.out, Assemble: wired, Once: c.Once, Hooks: c.Hooks})
}
