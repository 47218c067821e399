// Postern is a gateway that stands beside one service. This file is the command
// line and the wiring: provisioning says what the gateway shall be, gateway
// serves, and neither knows the other.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"postern/examples/demo"
	"postern/gateway"
	"postern/gateway/admin"
	"postern/provisioning"
	"postern/provisioning/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(new(commands).execute(ctx, os.Args[1:], streams{os.Stdout, os.Stderr}))
}

// streams are where the commands write.
type streams struct{ out, err io.Writer }

// sources are the flags that name the configuration.
type sources struct {
	Config []string `short:"c" sep:"none" placeholder:"FILE|DIR" help:"A file, or a directory whose *.yaml and *.yml are read. Repeats. Default: postern.yaml, else /etc/postern."`
}

func (s sources) sources() provisioning.Sources {
	paths := s.Config
	if len(paths) == 0 {
		paths = provisioning.DefaultPaths()
	}
	return provisioning.Sources{Paths: paths, Environ: os.Environ()}
}

type commands struct {
	Run   runCommand   `cmd:"" help:"Serve."`
	Check checkCommand `cmd:"" help:"Report every fault of a configuration, and serve nothing."`
	Demo  demoCommand  `cmd:"" help:"Run a gateway with an issuer and an upstream on loopback, to try it."`
}

// execute runs one command line. It returns 0, 1 when the command or what it
// found is at fault, or 2 when the command line is.
func (c *commands) execute(ctx context.Context, args []string, s streams) int {
	parser := kong.Must(c, kong.Name("postern"), kong.Writers(s.out, s.err),
		kong.Description("An edge gateway beside one service."), kong.Bind(s), kong.BindTo(ctx, (*context.Context)(nil)))
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(s.err, "postern: %v; try postern --help\n", err)
		return 2
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(s.err, err)
		return 1
	}
	return 0
}

type runCommand struct{ sources }

// Run serves until a signal ends ctx.
func (c runCommand) Run(ctx context.Context, s streams) error {
	g, reloader := assemble(c.sources.sources(), s.err)
	if err := reloader.First(); err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return reloader.Run(ctx) })
	group.Go(func() error { return g.Serve(ctx) })
	return group.Wait()
}

// assemble joins a gateway, the reloader that keeps it at what its sources say,
// and a log at the level they say. Nothing is read and nothing runs yet.
func assemble(from provisioning.Sources, logTo io.Writer) (*gateway.Gateway, *provisioning.Reloader) {
	level := zap.NewAtomicLevel()
	log := newLogger(logTo, level)
	var reloader *provisioning.Reloader
	g := gateway.New(log, gateway.Version(version()), gateway.Reload(func() admin.Reload { return reloadStatus(reloader.Last()) }))
	reloader = provisioning.NewReloader(from, func(cfg *config.Config) error {
		if err := g.Apply(cfg); err != nil {
			return err
		}
		return level.UnmarshalText([]byte(cfg.Logging.Level))
	}, log)
	return g, reloader
}

type checkCommand struct {
	sources
	JSON   bool `help:"Print the report as JSON."`
	Strict bool `help:"Warnings are faults."`
}

// Run prints everything found. A fault among it is the exit code's to tell.
func (c checkCommand) Run(s streams) error {
	from := c.sources.sources()
	from.Strict = c.Strict
	found, err := check(from)
	var report provisioning.Report
	if err != nil && !errors.As(err, &report) {
		return err
	}
	report = append(found, report...)
	if c.JSON {
		err = errors.Join(err, json.NewEncoder(s.out).Encode(append(provisioning.Report{}, report...)))
	} else if len(report) > 0 {
		fmt.Fprintln(s.out, report.Error())
	}
	if err != nil {
		return errFound
	}
	return nil
}

// errFound ends a check that has already printed why.
var errFound = errors.New("the configuration is at fault")

// check returns the warnings, and the faults as the error.
func check(s provisioning.Sources) (provisioning.Report, error) {
	loaded, err := provisioning.Load(s, nil)
	if err != nil {
		return loaded.Warnings, err
	}
	err = gateway.New(zap.NewNop()).Check(loaded.Config)
	var faults config.Faults
	if errors.As(err, &faults) {
		return loaded.Warnings, loaded.Locate(faults)
	}
	return loaded.Warnings, err
}

type demoCommand struct {
	Once  bool       `help:"Play the requests, a live edit and a key rotation; exit code 0 only if all of it was right."`
	Hooks demo.Hooks `kong:"-"`
}

// Run shows the gateway at work.
func (c demoCommand) Run(ctx context.Context, s streams) error {
	wired := func(from provisioning.Sources) (*gateway.Gateway, *provisioning.Reloader) {
		return assemble(from, s.err)
	}
	return demo.Run(ctx, demo.Options{Out: s.out, Assemble: wired, Once: c.Once, Hooks: c.Hooks})
}

// newLogger writes JSON lines, every one of them: what repeats is sampled where
// it is known to repeat.
func newLogger(w io.Writer, level zap.AtomicLevel) *zap.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time" // as in the access log
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), zapcore.Lock(zapcore.AddSync(w)), level))
}

// version is the module's, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// reloadStatus is the outcome of the last attempt as the operator sees it.
func reloadStatus(o provisioning.Outcome) admin.Reload {
	r := admin.Reload{
		Success: o.Success, When: o.When, LastSuccess: o.LastSuccess, Hash: o.Hash,
		Generation: o.Generation, Applied: o.Applied, Refused: o.Refused, Files: o.Files,
	}
	if o.Err != nil {
		r.Report = strings.Split(o.Err.Error(), "\n")
	}
	for _, warning := range o.Warnings {
		r.Warnings = append(r.Warnings, warning.String())
	}
	return r
}
