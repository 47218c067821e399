package archive

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// errLeftOut ends a conversion that has already printed why.
var errLeftOut = errors.New("not everything could be converted")

// New is the command.
func New() *cobra.Command {
	var out string
	made := &cobra.Command{
		Use: "convert EXPORT...", Short: "Write an export of webMethods API Gateway as a bundle.", Args: cobra.MinimumNArgs(1),
		Long: `An EXPORT is an archive, a folder of archives, or an unpacked export; of what is in
several of them the last one stands. The bundle says where each part comes from. What
needs a hand is printed, each with where it is and what to do. Exit code 1: an API was
left out, since something that protects it is not known here.`,
		Example: `	postern convert export.zip -o bundle.yaml && postern check -c bundle.yaml`,
		RunE: func(called *cobra.Command, names []string) error {
			made, err := Convert(names...)
			if err != nil {
				return err
			}
			if out == "" {
				_, err = called.OutOrStdout().Write(made.Bundle)
			} else {
				err = os.WriteFile(out, made.Bundle, 0o600) // addresses and users stand in it
			}
			if err != nil {
				return err
			}
			leftOut := false
			for _, f := range made.Findings {
				fmt.Fprintln(called.ErrOrStderr(), f)
				leftOut = leftOut || f.Rejected
			}
			if leftOut {
				return errLeftOut
			}
			return nil
		},
	}
	made.Flags().StringVarP(&out, "out", "o", "", "The `FILE` to write to. Default: standard output.")
	_ = made.MarkFlagFilename("out", "yaml", "yml") // it is there
	return made
}
