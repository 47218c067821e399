package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAge is how long an answer is fresh by its Cache-Control, less the time it
// has spent in caches on its way; negative when the answer does not say.
func maxAge(h http.Header) time.Duration {
	age := time.Duration(-1)
	for _, line := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return 0
			case "max-age":
				if s, ok := seconds(value); ok && age < 0 {
					age = s
				}
			}
		}
	}
	if spent, ok := seconds(h.Get("Age")); ok && age >= 0 {
		age = max(0, age-spent)
	}
	return age
}

// seconds reads delta-seconds, quoted or not; more than a year is a year.
func seconds(text string) (time.Duration, bool) {
	const year = 365 * 24 * time.Hour
	n, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 31)
	if err != nil {
		return 0, false
	}
	return min(time.Duration(n)*time.Second, year), true
}
