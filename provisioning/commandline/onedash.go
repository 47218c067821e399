package commandline

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const oneDash = "one-dash"

// OneDash lets a flag also be written as -word, as Java programs do.
func OneDash(flag *pflag.Flag, word string) {
	flag.Annotations = map[string][]string{oneDash: {word}}
	flag.Usage += " Also -" + word + "."
}

// twoDashes writes the words of a command line as the flags' own parser reads
// them: -word VALUE becomes --flag=VALUE. Values are left alone.
func twoDashes(c *cobra.Command, args []string) []string {
	words := map[string]*pflag.Flag{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		for _, word := range f.Annotations[oneDash] {
			words["-"+word] = f
		}
	})
	made := make([]string, 0, len(args))
	for len(args) > 0 {
		if args[0] == "--" {
			return append(made, args...)
		}
		word, value, stated := strings.Cut(args[0], "=")
		flag := words[word]
		switch takesValue := takesNext(c, args[0], flag); {
		case flag == nil && takesValue && len(args) > 1:
			made, args = append(made, args[:2]...), args[2:]
			continue
		case flag == nil:
			made = append(made, args[0])
		case stated:
			made = append(made, "--"+flag.Name+"="+value)
		case takesValue && len(args) > 1:
			made, args = append(made, "--"+flag.Name+"="+args[1]), args[2:]
			continue
		default:
			made = append(made, "--"+flag.Name)
		}
		args = args[1:]
	}
	return slices.Clip(made)
}

// takesNext reports whether the word after arg is its value. flag is the one that
// arg means, if that is known.
func takesNext(c *cobra.Command, arg string, flag *pflag.Flag) bool {
	name, long := strings.CutPrefix(arg, "--")
	switch {
	case flag != nil:
	case long:
		flag = c.Flags().Lookup(name)
	case len(arg) == 2 && arg[0] == '-':
		flag = c.Flags().ShorthandLookup(arg[1:])
	}
	return flag != nil && flag.NoOptDefVal == ""
}
