package completion

import (
	"fmt"
	"strings"
)

func fish(places []place) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# fish completion of postern

function __postern_at
	set -l at ""
	for word in (commandline -opc)[2..-1]
		switch "$at $word"
			case %s
				set at "$at $word"
		end
	end
	test "$at" = "$argv[1]"
end

complete -c postern -f
`, strings.Join(verbs(places), " "))
	for _, p := range places {
		here := fmt.Sprintf("complete -c postern -n '__postern_at %s'", quoted(p.at))
		if p.files {
			fmt.Fprintf(&b, "%s -F\n", here)
		}
		for _, w := range p.words() {
			fmt.Fprintf(&b, "%s -a %s%s\n", here, w.name, description(w.help))
		}
		for _, f := range p.flags {
			fmt.Fprintf(&b, "%s%s%s\n", here, f.fish(), description(f.help))
		}
	}
	return b.String()
}

// fish is the flag as complete takes it.
func (f flag) fish() string {
	text := " -l " + strings.TrimPrefix(f.names[0], "--")
	if len(f.names) > 1 {
		text += " -s " + strings.TrimPrefix(f.names[1], "-")
	}
	switch f.value {
	case anything:
		text += " -x"
	case file:
		text += " -r -F"
	case directory:
		text += " -x -a '(__fish_complete_directories)'"
	case among:
		text += " -x -a '" + strings.Join(f.words, " ") + "'"
	}
	return text
}

func description(help string) string {
	if help == "" {
		return ""
	}
	text := strings.ReplaceAll(firstSentence(help), `\`, `\\`)
	return " -d '" + strings.ReplaceAll(text, "'", `\'`) + "'"
}
