package completion

import (
	"fmt"
	"strings"
)

// bash works from bash 3.2 on, which macOS has.
func bash(places []place) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion of postern

_postern() {
	local at="" words="" kind="" word i
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	# bash takes --flag=value for three words
	if [[ $current == "=" ]]; then
		current=""
	elif [[ $previous == "=" ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case "$at $word" in
		%s) at+=" $word" ;;
		esac
	done
	case "$at $previous" in
	%s) kind=file ;;
	%s) kind=directory ;;
	%s) return ;;
`, strings.Join(verbs(places), " | "),
		strings.Join(followed(places, file), " | "), strings.Join(followed(places, directory), " | "), strings.Join(followed(places, anything), " | "))
	for _, p := range places {
		for _, f := range p.flags {
			if f.value == among {
				fmt.Fprintf(&b, "\t%s) words=%s ;;\n", quoted(p.at+" "+f.names[0]), quoted(strings.Join(f.words, " ")))
			}
		}
	}
	b.WriteString("\t*)\n\t\tcase \"$at\" in\n")
	for _, p := range places {
		kind := ""
		if p.files {
			kind = ` kind=file`
		}
		fmt.Fprintf(&b, "\t\t%s) words=%s%s ;;\n", quoted(p.at), quoted(strings.Join(p.choices(), " ")), kind)
	}
	b.WriteString(`		esac
		[[ $current == -* ]] && kind=""
		;;
	esac
	[[ $kind == file && $current != -* ]] && words=""
	COMPREPLY=($(compgen -W "$words" -- "$current"))
	local IFS=$'\n'
	case $kind in
	file) COMPREPLY=($(compgen -f -- "$current")) ;;
	directory) COMPREPLY=($(compgen -d -- "$current")) ;;
	*) return ;;
	esac
	compopt -o filenames 2>/dev/null
}

complete -F _postern postern
`)
	return b.String()
}

// choices are all words that may stand at a place.
func (p place) choices() (all []string) {
	for _, verb := range p.verbs {
		all = append(all, verb.name)
	}
	all = append(all, p.args...)
	for _, f := range p.flags {
		all = append(all, f.names[0])
	}
	return all
}
