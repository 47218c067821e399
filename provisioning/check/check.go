// Package check is the command that judges a configuration and serves nothing.
package check

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
	"go.uber.org/zap"

	"postern/gateway"
	"postern/provisioning"
	"postern/provisioning/config"
)

// Command loads and builds as serving does, short of ports, DNS and key servers.
type Command struct {
	provisioning.Flags
	JSON   bool `help:"Print the report as JSON."`
	Strict bool `help:"Warnings are faults."`
}

// Help is shown by --help.
func (Command) Help() string {
	return `Every fault is a line "file:line:column: path: message". Nothing is printed when all is well. Exit code 1: there are faults.

Before a change goes live, and in a pipeline:

	postern check -c postern.yaml && kill -HUP $(pidof postern)
	postern check -c bundle.d --strict --json | jq -r '.[].message'`
}

// errFound ends a check that has already printed why.
var errFound = errors.New("the configuration is at fault")

// Run prints everything found. A fault among it is the exit code's to tell.
func (c Command) Run(app *kong.Kong) error {
	from := c.Sources()
	from.Strict = c.Strict
	found, err := judge(from)
	var report provisioning.Report
	if err != nil && !errors.As(err, &report) {
		return err
	}
	report = append(found, report...)
	if c.JSON {
		err = errors.Join(err, json.NewEncoder(app.Stdout).Encode(append(provisioning.Report{}, report...)))
	} else if len(report) > 0 {
		fmt.Fprintln(app.Stdout, report.Error())
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
