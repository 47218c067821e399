package config

import "strings"

// held is how long a word must be to be looked for in others.
const held = 4

// Nearest returns the candidate that word most likely stands for, or "" when
// none is near enough to be worth proposing. Without a misspelt one it is the
// longest that word holds, as healthcheck holds health.
func Nearest(word string, candidates []string) string {
	best, bound := "", max(1, len(word)/4)
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), bound); d <= bound {
			best, bound = c, d-1
		}
	}
	if best != "" {
		return best
	}
	for _, c := range candidates {
		if len(c) >= held && len(c) > len(best) && strings.Contains(strings.ToLower(word), c) {
			best = c
		}
	}
	return best
}

// DidYouMean is the end of a message about an unknown word: a proposal, or "".
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between a and b, giving up with limit+1.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
