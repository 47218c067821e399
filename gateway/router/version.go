package router

import (
	"cmp"
	"strings"
)

// compareVersions orders versions naturally, part by part between dots: numbers
// by value, numbers after words, a longer version after its own beginning.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if c := comparePart(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// comparePart compares the runs of digits and of other characters in turn.
func comparePart(a, b string) int {
	for a != "" && b != "" {
		x, y := run(a), run(b)
		a, b = a[len(x):], b[len(y):]
		if c := compareRun(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareRun(x, y string) int {
	if isDigit(x[0]) != isDigit(y[0]) {
		if isDigit(x[0]) {
			return 1
		}
		return -1
	}
	if isDigit(x[0]) {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	}
	return cmp.Compare(x, y)
}

// run is the beginning of s that is all digits, or holds none.
func run(s string) string {
	i := 1
	for i < len(s) && isDigit(s[i]) == isDigit(s[0]) {
		i++
	}
	return s[:i]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
