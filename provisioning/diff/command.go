package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/provisioning"
	"postern/provisioning/config"
)

// errFound ends a comparison that has already printed why.
var errFound = errors.New("protection is lost")

// New is the command.
func New() *cobra.Command {
	var fail string
	var asJSON bool
	made := &cobra.Command{
		Use: "diff OLD NEW", Short: "List what changes from one configuration to another, and which protection is lost.",
		Args: cobra.ExactArgs(2),
		Long: `OLD and NEW are files, or directories whose *.yaml and *.yml are read. Each line is
a setting with what it was and what it is; after ! stands which protection is lost.
Secrets are *** and a sum that says whether they changed. Environment variables
hold for both.`,
		Example: `	postern diff live.yaml new.yaml
	postern diff live.d new.d --fail-on weaker || echo "somebody must look at this"`,
		PreRunE: func(*cobra.Command, []string) error {
			if fail != "" && fail != "weaker" {
				return fmt.Errorf("--fail-on takes weaker, not %q", fail)
			}
			return nil
		},
		RunE: func(called *cobra.Command, args []string) error {
			return run(called.OutOrStdout(), args, fail != "", asJSON)
		},
	}
	made.Flags().StringVar(&fail, "fail-on", "", "`weaker`: exit code 1 when protection is lost.")
	made.Flags().BoolVar(&asJSON, "json", false, "Print the changes as JSON.")
	_ = made.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{"weaker"}, cobra.ShellCompDirectiveNoFileComp)) // it is there
	return made
}

func run(out io.Writer, sources []string, fail, asJSON bool) error {
	before, err := load(sources[0])
	if err != nil {
		return err
	}
	after, err := load(sources[1])
	if err != nil {
		return err
	}
	changes := Of(before, after)
	if asJSON {
		err = json.NewEncoder(out).Encode(append([]Change{}, changes...))
	} else {
		err = write(out, changes)
	}
	if err == nil && fail && slices.ContainsFunc(changes, func(c Change) bool { return c.Weaker != "" }) {
		return errFound
	}
	return err
}

func load(source string) (*config.Config, error) {
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{source}, Environ: os.Environ()}, nil)
	return loaded.Config, err
}

func write(out io.Writer, changes []Change) (err error) {
	for _, c := range changes {
		line := fmt.Sprintf("%s: %s -> %s", c.Path, side(c.Before), side(c.After))
		if c.Weaker != "" {
			line += "  ! " + c.Weaker
		}
		if _, err = fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// side is a value in a line.
func side(v any) string {
	if v == nil {
		return "nothing"
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // what the settings show can be written
	return strings.TrimSpace(text.String())
}
