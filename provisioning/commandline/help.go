package commandline

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// width is how long a line of help may be.
const width = 100

// help prints what --help does: it teaches by example.
func help(c *cobra.Command, _ []string) {
	out := c.OutOrStdout()
	for _, part := range []string{c.Short, c.Long, strings.ReplaceAll(c.Example, "\t", "    ")} {
		if part != "" {
			fmt.Fprintf(out, "%s\n\n", part)
		}
	}
	verbs := false
	for _, verb := range c.Commands() {
		if verb.IsAvailableCommand() {
			verbs = true
			fmt.Fprintf(out, "  %-12s %s\n", verb.Name(), verb.Short)
		}
	}
	if verbs {
		fmt.Fprintf(out, "\n%s COMMAND --help says more.\n\n", c.CommandPath())
	}
	fmt.Fprintf(out, "Usage: %s\n%s", c.UseLine(), c.LocalFlags().FlagUsagesWrapped(width))
}
