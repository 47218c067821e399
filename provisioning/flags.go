package provisioning

import (
	"os"

	"github.com/spf13/cobra"
)

// Flags are the flags of every command that reads a configuration.
type Flags struct{ Config []string }

// Bind adds the flags to a command.
func (f *Flags) Bind(to *cobra.Command) {
	to.Flags().StringArrayVarP(&f.Config, "config", "c", nil, "A `FILE`, or a directory whose *.yaml and *.yml are read. Repeats. Default: postern.yaml, else /etc/postern.")
	_ = to.MarkFlagFilename("config") // it is there
}

// Sources are what the flags name, with the environment of this process.
func (f Flags) Sources() Sources {
	paths := f.Config
	if len(paths) == 0 {
		paths = DefaultPaths()
	}
	return Sources{Paths: paths, Environ: os.Environ()}
}
