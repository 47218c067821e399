package metrics

import (
	"maps"
	"slices"
	"strings"
)

// ways counts what was found or refused, by the way to identify callers. Its
// words are a way and an outcome.
type ways struct{ words }

func newWays() ways {
	return ways{words{family: family{"postern_credentials_total", "counter", "Credentials other than tokens that were judged, by way: accepted, or the reason why not."}}}
}

// of is the counter of a way's outcome, always the same one.
func (w *ways) of(way, outcome string) *Counter { return w.counter(way + " " + outcome) }

func (w *ways) write(p *page) {
	counts := w.counts()
	if len(counts) == 0 {
		return
	}
	p.begin(w.family)
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		way, outcome, _ := strings.Cut(word, " ")
		p.count(w.family, label("by", way)+","+label("outcome", outcome), counts[word])
	}
}
