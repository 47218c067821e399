package schema

import (
	"encoding/json"

	"github.com/alecthomas/kong"
)

// Command prints the schema.
type Command struct{}

// Help is shown by --help.
func (Command) Help() string {
	return `With it an editor that speaks the YAML language server (VS Code, Neovim, Emacs, JetBrains) completes keys, shows what they mean and marks what is wrong. It knows the form; postern check knows more.

	postern schema > postern.schema.json

The first line of postern.yaml then says where it is:

	# yaml-language-server: $schema=postern.schema.json`
}

// Run prints it as JSON.
func (Command) Run(app *kong.Kong) error {
	schema, err := Of()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(app.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(schema)
}
