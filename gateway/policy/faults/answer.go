package faults

import (
	"bytes"
	"strconv"
	"strings"

	"postern/gateway/exchange"
	"postern/gateway/variable"
)

// answer is what is said, in one or more forms.
type answer struct {
	status int    // 0: as it is
	forms  []form // the first unless the caller prefers another
}

// form is one way to say it.
type form struct {
	contentType string
	media       string // contentType without parameters
	text        *variable.Template
	ours        bool // nothing in it was worded by the configuration
}

// choose picks the form that the caller's Accept likes best; of those it likes as
// much, the first (RFC 9110 12.5.1).
func (a *answer) choose(x *exchange.Exchange) *form {
	best := &a.forms[0]
	if len(a.forms) == 1 {
		return best
	}
	accept := x.Head.Get("Accept")
	most := quality(accept, best.media)
	for i := range a.forms[1:] {
		m := &a.forms[1+i]
		if q := quality(accept, m.media); q > most {
			best, most = m, q
		}
	}
	return best
}

// quality is how much a media type is liked, in thousandths: what the most
// specific range that holds it says.
func quality(accept []byte, media string) int {
	if len(bytes.TrimSpace(accept)) == 0 {
		return 1000
	}
	liked, specific := 0, 0
	for item := range strings.SplitSeq(string(accept), ",") {
		name, parameters, _ := strings.Cut(item, ";")
		if s := specificity(strings.ToLower(strings.TrimSpace(name)), media); s > specific {
			liked, specific = weight(parameters), s
		}
	}
	return liked
}

// specificity of a range that holds the media type; 0: it does not.
func specificity(name, media string) int {
	kind, _, _ := strings.Cut(media, "/")
	switch name {
	case media:
		return 3
	case kind + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// weight is q among the parameters of a range, in thousandths.
func weight(parameters string) int {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(value, 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return int(q * 1000)
		}
	}
	return 1000
}
