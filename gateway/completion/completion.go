// Package completion is the command that teaches a shell Postern's command line.
// The scripts are made of kong's model and hold all they need, so a key press
// starts nothing.
package completion

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Command prints a script.
type Command struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of bash, zsh, fish."`
}

// Help is shown by --help.
func (Command) Help() string {
	return `For this shell, and for every one to come:

	source <(postern completion bash)
	postern completion bash > ~/.local/share/bash-completion/completions/postern
	postern completion zsh > "${fpath[1]}/_postern"
	postern completion fish > ~/.config/fish/completions/postern.fish`
}

// Run prints the script.
func (c Command) Run(app *kong.Kong) error {
	places := placesOf(app.Model.Node, "")
	script := map[string]func(places []place) string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell]
	_, err := fmt.Fprint(app.Stdout, script(places))
	return err
}

// place is where a command line may be: after the words of at.
type place struct {
	at    string // " token sign"; "" is the beginning
	verbs []word
	flags []flag
	files bool // arguments are files
	args  []string
}

// word is something to choose, with what it means.
type word struct{ name, help string }

// flag is a flag with what may follow it.
type flag struct {
	names []string // --config, -c
	help  string
	value values
	words []string // for among
}

// values says what may follow a flag.
type values int

// What may follow: nothing, a text that nobody can know, a file, a directory, or
// one of some words.
const (
	nothing values = iota
	anything
	file
	directory
	among
)

// placesOf are the places from a node on.
func placesOf(n *kong.Node, at string) []place {
	p := place{at: at}
	for _, from := range []*kong.Node{n, n.DefaultCmd} { // a verb may be left out
		if from == nil {
			continue
		}
		for _, f := range from.Flags {
			if !f.Hidden && (from == n || f.Name != "help") {
				p.flags = append(p.flags, flagOf(f))
			}
		}
		for _, argument := range from.Positional {
			p.files = p.files || argument.Tag.Get("complete") == "file"
			if argument.Enum != "" {
				p.args = append(p.args, argument.EnumSlice()...)
			}
		}
	}
	all := []place{{}}
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		p.verbs = append(p.verbs, word{child.Name, child.Help})
		all = append(all, placesOf(child, at+" "+child.Name)...)
	}
	if n.Parent != nil {
		p.flags = append(p.flags, flag{names: []string{"--help", "-h"}, help: "Show help."})
	}
	all[0] = p
	return all
}

func flagOf(f *kong.Flag) flag {
	made := flag{names: []string{"--" + f.Name}, help: f.Help, value: anything}
	if f.Short != 0 {
		made.names = append(made.names, "-"+string(f.Short))
	}
	words := f.Tag.Get("words")
	if f.Enum != "" {
		words = f.Enum
	}
	switch {
	case f.IsBool():
		made.value = nothing
	case f.Tag.Get("complete") == "file":
		made.value = file
	case f.Tag.Get("complete") == "dir":
		made.value = directory
	case words != "":
		made.value, made.words = among, strings.Split(words, ",")
	}
	return made
}

// followed are the flags of all places after which value stands, as the scripts
// compare them: the place and the flag.
func followed(places []place, value values) (all []string) {
	for _, p := range places {
		for _, f := range p.flags {
			if f.value != value {
				continue
			}
			for _, name := range f.names {
				all = append(all, quoted(p.at+" "+name))
			}
		}
	}
	return all
}

// quoted is a text as one word of any of the three shells; it holds none of
// their special characters but spaces.
func quoted(text string) string { return `"` + text + `"` }

// verbs are the places but the first, as the scripts compare them.
func verbs(places []place) (all []string) {
	for _, p := range places[1:] {
		all = append(all, quoted(p.at))
	}
	return all
}
