package compression

import (
	"bytes"

	"postern/gateway/wire"
)

// negotiate is the index of the coding that the caller likes best (RFC 9110
// 12.5.3), the first one of several; none when it likes the answer better as it is.
func negotiate(head *wire.Head, codings []string) int {
	var likes [maxCodings]int // 1000 times the weight; 0: not said
	for i := range likes {
		likes[i] = unsaid
	}
	others, plain := unsaid, unsaid
	head.Visit(func(name, list []byte) {
		if !is(name, "accept-encoding") {
			return
		}
		for len(list) > 0 {
			var item []byte
			item, list, _ = bytes.Cut(list, comma)
			coding, weight := weighed(item)
			switch {
			case len(coding) == 1 && coding[0] == '*':
				others = weight
			case is(coding, "identity"):
				plain = weight
			}
			for i, known := range codings {
				if is(coding, known) || known == "gzip" && is(coding, "x-gzip") {
					likes[i] = weight
				}
			}
		}
	})
	best, found := max(plain, 1), none
	for i := range codings {
		like := likes[i]
		if like == unsaid {
			like = others
		}
		if like > best || like == best && found == none {
			best, found = like, i
		}
	}
	return found
}

const (
	maxCodings = 3
	unsaid     = -1
	none       = -1
)

var comma = []byte{','}

// weighed takes "gzip;q=0.5" apart; what is no weight is none.
func weighed(item []byte) (coding []byte, weight int) {
	coding, parameters, ok := bytes.Cut(item, []byte{';'})
	coding = bytes.Trim(coding, " \t")
	if !ok {
		return coding, 1000
	}
	name, value, _ := bytes.Cut(parameters, []byte{'='})
	if !is(bytes.Trim(name, " \t"), "q") {
		return coding, 0
	}
	return coding, thousandths(bytes.Trim(value, " \t"))
}

// thousandths reads a weight of RFC 9110 12.4.2: 0 to 1 with up to three digits
// after the point.
func thousandths(text []byte) int {
	if len(text) == 0 || len(text) > 5 || text[0] != '0' && text[0] != '1' || len(text) > 1 && text[1] != '.' {
		return 0
	}
	n := int(text[0]-'0') * 1000
	for i, unit := 2, 100; i < len(text); i, unit = i+1, unit/10 {
		if text[i] < '0' || text[i] > '9' {
			return 0
		}
		n += int(text[i]-'0') * unit
	}
	if n > 1000 {
		return 0
	}
	return n
}

// is compares with a name in small letters, without case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
