// Package check is the command that judges a configuration and serves nothing.
package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"postern/gateway"
	"postern/provisioning"
	"postern/provisioning/config"
)

type command struct {
	provisioning.Flags
	json, strict bool
}

// New is the command. It loads and builds as serving does, short of ports, DNS
// and key servers.
func New() *cobra.Command {
	var c command
	made := &cobra.Command{
		Use: "check", Short: "Report every fault of a configuration, and serve nothing.", Args: cobra.NoArgs,
		Long: `Every fault is a line "file:line:column: path: message". Nothing is printed
when all is well. Exit code 1: there are faults.`,
		Example: `	postern check -c postern.yaml && kill -HUP $(pidof postern)
	postern check -c bundle.d --strict --json | jq -r '.[].message'`,
		RunE: func(called *cobra.Command, _ []string) error { return c.run(called.OutOrStdout()) },
	}
	c.Bind(made)
	made.Flags().BoolVar(&c.json, "json", false, "Print the report as JSON.")
	made.Flags().BoolVar(&c.strict, "strict", false, "Warnings are faults.")
	return made
}

// errFound ends a check that has already printed why.
var errFound = errors.New("the configuration is at fault")

// run prints everything found. A fault among it is the exit code's to tell.
func (c command) run(out io.Writer) error {
	from := c.Sources()
	from.Strict = c.strict
	found, err := judge(from)
	var report provisioning.Report
	if err != nil && !errors.As(err, &report) {
		return err
	}
	report = append(found, report...)
	if c.json {
		err = errors.Join(err, json.NewEncoder(out).Encode(append(provisioning.Report{}, report...)))
	} else if len(report) > 0 {
		fmt.Fprintln(out, report.Error())
	}
	if err != nil {
		return errFound
	}
	return nil
}

// judge returns the warnings, and the faults as the error.
func judge(s provisioning.Sources) (provisioning.Report, error) {
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
