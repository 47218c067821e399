package metrics

import (
	"maps"
	"slices"
	"strings"
)

// pairs are the counters of a family that differ in two labels, whose values are
// words of fixed tables, without spaces but in the last.
type pairs struct {
	words
	labels [2]string
}

// of is the counter of a pair, always the same one.
func (p *pairs) of(first, second string) *Counter { return p.counter(first + " " + second) }

func (p *pairs) write(to *page) {
	counts := p.counts()
	if len(counts) == 0 {
		return
	}
	to.begin(p.family)
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		first, second, _ := strings.Cut(word, " ")
		to.count(p.family, label(p.labels[0], first)+","+label(p.labels[1], second), counts[word])
	}
}

func newWays() pairs {
	return pairs{
		words:  words{family: family{"postern_credentials_total", "counter", "Credentials other than tokens that were judged, by way: accepted, or the reason why not."}},
		labels: [2]string{"by", "outcome"},
	}
}

func newValidations() pairs {
	return pairs{
		words:  words{family: family{"postern_validation_faults_total", "counter", "Faults of messages that are not as their API's definition has them, by the part they were found in."}},
		labels: [2]string{"message", "in"},
	}
}
