package schema

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
)

// New is the command. It prints the schema.
func New() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the configuration, for editors.", Args: cobra.NoArgs,
		Long: `With it an editor that speaks the YAML language server (VS Code, Neovim, Emacs,
JetBrains) completes keys, shows what they mean and marks what is wrong. It knows
the form; postern check knows more. The first line of postern.yaml then says
where it is: # yaml-language-server: $schema=postern.schema.json`,
		Example: `	postern schema > postern.schema.json`,
		RunE:    func(called *cobra.Command, _ []string) error { return write(called.OutOrStdout()) },
	}
}

// write prints it as JSON.
func write(to io.Writer) error {
	schema, err := Of()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(schema)
}
