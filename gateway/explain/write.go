package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"postern/gateway"
	"postern/gateway/exchange"
)

// describe says what a step has found out.
func describe(s gateway.Step, x *exchange.Exchange) string {
	switch s.Name {
	case "route":
		return describeWay(s, x)
	case "identify":
		return describeCaller(&x.Caller)
	}
	return ""
}

// describeWay is the API that takes a request, or the rule that sends it on.
func describeWay(s gateway.Step, x *exchange.Exchange) string {
	switch policy := len(s.Path) > 0 && s.Path[len(s.Path)-1] == "route"; {
	case !policy:
		return x.API
	case x.Rule == "":
		return "no rule, so the API's own upstream"
	}
	return fmt.Sprintf("rule %q", x.Rule)
}

func describeCaller(c *exchange.Caller) string {
	if c.Anonymous {
		return "nobody in particular"
	}
	said := []string{"by " + c.By}
	if c.Subject != "" {
		said = append(said, fmt.Sprintf("subject %q", c.Subject))
	}
	if c.Issuer != "" {
		said = append(said, "issuer "+c.Issuer)
	}
	if len(c.Scopes) > 0 {
		said = append(said, "scopes "+strings.Join(c.Scopes, " "))
	}
	if c.User != "" && c.User != c.Subject {
		said = append(said, fmt.Sprintf("user %q", c.User))
	}
	if len(c.Groups) > 0 {
		said = append(said, "groups "+strings.Join(c.Groups, " "))
	}
	if c.Application.Name != "" {
		said = append(said, fmt.Sprintf("application %q", c.Application.Name))
	}
	return strings.Map(shown, strings.Join(said, ", "))
}

// shown keeps what a token says from telling the terminal anything.
func shown(r rune) rune {
	if !unicode.IsPrint(r) {
		return unicode.ReplacementChar
	}
	return r
}

// answersItself is what a step says that neither passes nor refuses.
const answersItself = "nothing is forwarded"

// hint says what may be done about an outcome that is not the configuration's.
func (o *outcome) hint(q question) {
	switch o.Code {
	case "keys_unavailable":
		if !q.fetch {
			o.Hint = "the keys of this issuer are fetched, which is not done here: give --jwks AUTH_SERVER=FILE, or --fetch"
		}
	case "introspection_unavailable":
		if !q.fetch {
			o.Hint = "an auth server would be asked, which is not done here: say --fetch"
		}
	case "unidentified":
		o.Hint = "a caller shows who it is by a field, an address or a certificate: -H 'NAME: VALUE', --from, --cert"
	case "token_missing":
		if q.token == "" {
			o.Hint = "no token was given: --token-file"
		}
	}
}

// write prints an outcome for a person.
func (o *outcome) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, o.Request)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range o.Steps {
		verdict := "passes"
		switch {
		case s.Says == answersItself:
			verdict = "ANSWERS"
		case !s.Passed:
			verdict = "REFUSES"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", s.Name, verdict, printable(s.Says), s.Place)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if o.Forwarded {
		fmt.Fprintf(&b, "would be forwarded as\n%s", indent(o.Upstream))
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "answer: %d %s\n", o.Status, o.Code)
	for _, e := range o.Errors {
		fmt.Fprintf(&b, "  %s: %s\n", strings.TrimSuffix(e.In+" "+printable(e.Pointer), " "), printable(e.Detail))
	}
	if o.Reason != "" {
		fmt.Fprintf(&b, "reason, in the log only: %s\n", printable(o.Reason))
	}
	if o.Challenge != "" {
		fmt.Fprintf(&b, "challenge: %s\n", o.Challenge)
	}
	if o.Hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", o.Hint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printable leaves out what a terminal would take for a command: tokens hold
// what their subjects chose.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func indent(head string) string {
	head = strings.TrimRight(strings.ReplaceAll(head, "\r\n", "\n"), "\n")
	return "    " + strings.ReplaceAll(head, "\n", "\n    ") + "\n"
}

// writeJSON prints an outcome for a program.
func (o *outcome) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(o)
}
