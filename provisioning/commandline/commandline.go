// Package commandline reads the command line: it finds the command that is meant,
// says what is wrong with the words, and what a command does. The commands
// themselves live beside what they work with.
package commandline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"postern/provisioning/config"
)

// Streams are what the commands read and write.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Execute runs one command line, without the program's name. It returns 0, 1
// when the command or what it found is at fault, or 2 when the command line is.
// A root serves one call.
func Execute(ctx context.Context, root *cobra.Command, args []string, s Streams) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	meant := append([]string{}, args...) // of nil it would take the process's
	called, rest, err := root.Find(args)
	if err == nil && called != root && slices.Equal(args[len(args)-len(rest):], rest) { // words of a command come first
		meant = append(meant[:len(args)-len(rest)], twoDashes(called, rest)...)
	}
	root.SetArgs(meant)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetHelpFunc(help)
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.SetFlagErrorFunc(misspelt)
	root.InitDefaultCompletionCmd()
	if made, _, err := root.Find([]string{"completion"}); err == nil {
		made.Short = "Print a script that completes command lines in your shell."
	}
	if len(args) == 0 {
		root.SetOut(s.Err)
		_ = root.Help() // it cannot fail
		return 2
	}
	begun := false
	prepare(root, &begun)
	called, err = root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case begun:
		fmt.Fprintln(s.Err, err)
		return 1
	}
	fmt.Fprintf(s.Err, "postern: %v; try %s --help\n", err, called.CommandPath())
	return 2
}

// prepare has a command and its verbs say that they began: what fails before is
// the command line's fault. A command that only has verbs tells them.
func prepare(c *cobra.Command, begun *bool) {
	c.Flags().SortFlags = false
	if run := c.RunE; run != nil {
		c.RunE = func(called *cobra.Command, args []string) error {
			*begun = true
			return run(called, args)
		}
	} else if c.HasSubCommands() {
		c.Args = misnamed
		c.RunE = func(called *cobra.Command, args []string) error { return misnamed(called, args) }
	}
	for _, verb := range c.Commands() {
		prepare(verb, begun)
	}
}

// misnamed is what is wrong with words that name no verb of a command.
func misnamed(c *cobra.Command, args []string) error {
	verbs := names(c)
	if len(args) == 0 {
		return fmt.Errorf("a word is missing: one of %s", strings.Join(verbs, ", "))
	}
	return fmt.Errorf("there is no %q among %s%s", args[0], strings.Join(verbs, ", "), config.DidYouMean(args[0], verbs))
}

// names are the verbs of a command.
func names(c *cobra.Command) (all []string) {
	for _, verb := range c.Commands() {
		if verb.IsAvailableCommand() {
			all = append(all, verb.Name())
		}
	}
	return all
}

// misspelt proposes a flag for one that is unknown.
func misspelt(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var flags []string
	c.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	return fmt.Errorf("%w%s", err, config.DidYouMean(unknown.GetSpecifiedName(), flags))
}
