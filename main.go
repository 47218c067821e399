// Postern is a gateway that stands beside one service. This file is the command
// line: it lists the commands, each of which lives beside the work it does, and
// serves. gateway/assembly joins what serves.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"postern/examples/demo"
	"postern/gateway"
	"postern/gateway/assembly"
	"postern/gateway/explain"
	"postern/gateway/health"
	"postern/gateway/password/hash"
	"postern/gateway/system"
	"postern/gateway/version"
	"postern/introspect/keys"
	"postern/introspect/token"
	"postern/provisioning"
	"postern/provisioning/archive"
	"postern/provisioning/check"
	"postern/provisioning/commandline"
	"postern/provisioning/diff"
	"postern/provisioning/schema"
)

func main() {
	time.Local = time.UTC // whatever TZ says: what is logged and shown is in one time
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(commandline.Execute(ctx, newRoot(), os.Args[1:], commandline.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

const description = `An edge gateway beside one service.

Exit codes: 0 all is well, 1 the command or what it found is at fault, 2 the command line is.`

const examples = `	postern demo                       everything needed to try it, on loopback
	postern check -c postern.yaml      every fault, with its line
	postern run -c postern.yaml        serve`

// newRoot lists the commands; each lives beside what it works with.
func newRoot() *cobra.Command {
	cobra.EnableCommandSorting = false // this is the order in which they are needed
	root := &cobra.Command{Use: "postern", Long: description, Example: examples}
	root.AddCommand(newRun(), check.New(), diff.New(), archive.New(), explain.New(), health.New(), health.NewStatus(), health.NewAssets(), token.New(), schema.New(),
		keys.New(), hash.New(), newDemo(demo.Hooks{}), version.New())
	return root
}

func newRun() *cobra.Command {
	var from provisioning.Options
	made := &cobra.Command{
		Use: "run", Aliases: []string{"start"}, Short: "Serve.", Args: cobra.NoArgs,
		Long: `A changed configuration is taken over while serving; a bad one changes nothing.
SIGHUP loads again; SIGTERM and Ctrl-C end it gracefully, a second one at once.
"start" is another name for it. All options but -c are those of webMethods
Microgateway; with one of them, or as start, admin_api.on_traffic_port is true
unless it is stated.`,
		Example: `	postern run -c postern.yaml
	postern run -c /etc/postern -c local.yaml
	POSTERN_LOGGING_LEVEL=debug postern run`,
		RunE: func(called *cobra.Command, _ []string) error {
			return serve(called.Context(), from.Sources(called.CalledAs()), called.ErrOrStderr())
		},
	}
	from.Bind(made)
	return made
}

// serve serves until a signal ends ctx.
func serve(ctx context.Context, from provisioning.Sources, stderr io.Writer) error {
	signal.Ignore(syscall.SIGPIPE) // who reads the logs may leave; requests go on
	g, reloader, log := assembly.Join(version.Read().String(), from, stderr)
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

func newDemo(hooks demo.Hooks) *cobra.Command {
	o := demo.Options{Hooks: hooks}
	made := &cobra.Command{
		Use: "demo", Short: "Run a gateway with an issuer and an upstream on loopback, to try it.", Args: cobra.NoArgs,
		Long:    "It prints curl lines for what a gateway does, and the settings to edit meanwhile.",
		Example: "	postern demo\n	postern demo --once",
		RunE: func(called *cobra.Command, _ []string) error {
			o.Out = called.OutOrStdout()
			o.Assemble = func(from provisioning.Sources) (*gateway.Gateway, *provisioning.Reloader) {
				g, reloader, _ := assembly.Join(version.Read().String(), from, called.ErrOrStderr())
				return g, reloader
			}
			return demo.Run(called.Context(), o)
		},
	}
	made.Flags().BoolVar(&o.Once, "once", false, "Play the requests, a live edit and a key rotation; exit code 0 only if all of it was right.")
	return made
}
