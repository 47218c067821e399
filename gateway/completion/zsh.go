package completion

import (
	"fmt"
	"strings"
)

func zsh(places []place) string {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef postern
# zsh completion of postern

_postern() {
	local at="" word previous=${words[CURRENT-1]}
	local -a verbs flags
	for word in ${words[2,CURRENT-1]}; do
		case "$at $word" in
		(%s) at+=" $word" ;;
		esac
	done
	if [[ ${words[CURRENT]} == --*=* ]]; then
		previous=${words[CURRENT]%%%%=*}
		compset -P '*='
	fi
	case "$at $previous" in
	(%s) _files; return ;;
	(%s) _files -/; return ;;
	(%s) return ;;
`, strings.Join(verbs(places), "|"),
		strings.Join(followed(places, file), "|"), strings.Join(followed(places, directory), "|"), strings.Join(followed(places, anything), "|"))
	for _, p := range places {
		for _, f := range p.flags {
			if f.value == among {
				fmt.Fprintf(&b, "\t(%s) compadd %s; return ;;\n", quoted(p.at+" "+f.names[0]), strings.Join(f.words, " "))
			}
		}
	}
	b.WriteString("\tesac\n\tcase \"$at\" in\n")
	for _, p := range places {
		fmt.Fprintf(&b, "\t(%s)\n", quoted(p.at))
		if p.files {
			b.WriteString("\t\t_files\n")
		}
		fmt.Fprintf(&b, "\t\tverbs=(%s)\n\t\tflags=(%s)\n\t\t;;\n", described(p.words()), described(p.flagWords()))
	}
	b.WriteString(`	esac
	(( $#verbs )) && _describe command verbs
	_describe -o flag flags
}

if [[ $funcstack[1] == _postern ]]; then
	_postern "$@"
else
	compdef _postern postern
fi
`)
	return b.String()
}

// words are the verbs and the known arguments of a place.
func (p place) words() []word {
	all := p.verbs
	for _, argument := range p.args {
		all = append(all, word{argument, ""})
	}
	return all
}

// flagWords are the long flags of a place.
func (p place) flagWords() (all []word) {
	for _, f := range p.flags {
		all = append(all, word{f.names[0], f.help})
	}
	return all
}

// described writes words as _describe takes them.
func described(words []word) string {
	var all []string
	for _, w := range words {
		all = append(all, literal(strings.TrimSuffix(w.name+":"+firstSentence(w.help), ":")))
	}
	return strings.Join(all, " ")
}

// literal is a text in which a POSIX shell or zsh sees nothing special.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// firstSentence is what of a help text fits beside a word.
func firstSentence(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(sentence, ".")
}
