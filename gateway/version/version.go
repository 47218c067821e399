// Package version says which Postern this is, from what the Go toolchain wrote
// into the binary.
package version

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// stamp is for those who build without the repository (-buildvcs=false, or from
// an archive): go build -ldflags "-X postern/gateway/version.stamp=v1.2.3".
// What the toolchain knows by itself is not stamped.
var stamp string

// Build is what is known of the binary; what is not known is empty.
type Build struct {
	Version    string            `json:"version"` // a tag, else a commit, else "unknown"
	Commit     string            `json:"commit,omitempty"`
	CommitTime string            `json:"commit_time,omitempty"` // RFC 3339
	Dirty      bool              `json:"dirty"`                 // the sources differed from the commit
	Go         string            `json:"go"`
	Settings   map[string]string `json:"settings,omitempty"` // of the build: GOOS, CGO_ENABLED, -tags …
}

// Read is the build of this process.
func Read() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(info, stamp)
}

// String is the version in one word.
func (b Build) String() string { return b.Version }

// of reads the build info. A stamp wins over what Go calls the version.
func of(info *debug.BuildInfo, stamp string) Build {
	b := Build{Go: info.GoVersion, Settings: map[string]string{}}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.CommitTime = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		case "vcs", "-ldflags": // the first says nothing new, the second may be long
		default:
			b.Settings[s.Key] = s.Value
		}
	}
	switch {
	case stamp != "":
		b.Version = stamp
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		b.Version = info.Main.Version
	case len(b.Commit) >= 12:
		b.Version = b.Commit[:12]
	default:
		b.Version = "unknown"
	}
	return b
}

// New is the command. It prints the build.
func New() *cobra.Command {
	var asJSON bool
	made := &cobra.Command{
		Use: "version", Short: "Say which Postern this is, and how it was built.", Args: cobra.NoArgs,
		Long: `The version is the tag that was built, or the commit. A build without the
repository has neither, unless one is given.`,
		Example: `	go build -buildvcs=false -ldflags "-X postern/gateway/version.stamp=v1.2.3" -o postern .
	postern version --json | jq -r .version`,
		RunE: func(called *cobra.Command, _ []string) error {
			if asJSON {
				return json.NewEncoder(called.OutOrStdout()).Encode(Read())
			}
			return Read().write(called.OutOrStdout())
		},
	}
	made.Flags().BoolVar(&asJSON, "json", false, "Print it as JSON.")
	return made
}

// write prints the build for people.
func (b Build) write(to io.Writer) error {
	dirty := ""
	if b.Dirty {
		dirty = ", with changes that are not committed"
	}
	fmt.Fprintf(to, "postern %s\n", b.Version)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if b.Commit != "" {
		fmt.Fprintf(w, "commit\t%s of %s%s\n", b.Commit, b.CommitTime, dirty)
	}
	fmt.Fprintf(w, "go\t%s, %s/%s\n", b.Go, b.Settings["GOOS"], b.Settings["GOARCH"])
	var rest []string
	for _, key := range []string{"-tags", "-race", "-trimpath", "CGO_ENABLED", "GOAMD64", "GOARM64", "GOFIPS140", "GOEXPERIMENT"} {
		if value, known := b.Settings[key]; known {
			rest = append(rest, key+"="+value)
		}
	}
	if rest != nil {
		fmt.Fprintf(w, "build\t%s\n", strings.Join(rest, " "))
	}
	return w.Flush()
}
