package provisioning

import "os"

// Flags are the flags of every command that reads a configuration.
type Flags struct {
	Config []string `short:"c" sep:"none" placeholder:"FILE|DIR" complete:"file" help:"A file, or a directory whose *.yaml and *.yml are read. Repeats. Default: postern.yaml, else /etc/postern."`
}

// Sources are what the flags name, with the environment of this process.
func (f Flags) Sources() Sources {
	paths := f.Config
	if len(paths) == 0 {
		paths = DefaultPaths()
	}
	return Sources{Paths: paths, Environ: os.Environ()}
}
