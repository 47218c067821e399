package upstream

import (
	"slices"
	"strconv"

	"postern/provisioning/config"
)

// outcome is how an attempt ended: a status, or one of the failures below.
type outcome int

// Failures, in the order of config.Triggers.
const (
	notConnected outcome = -1 - iota
	broken
	late
	unjudged // it says nothing of the target
)

// String is the word for it in the configuration.
func (o outcome) String() string {
	if o < 0 && o > unjudged {
		return config.Triggers()[-1-o]
	}
	return strconv.Itoa(int(o))
}

// triggers is a set of outcomes.
type triggers struct {
	failures [3]bool
	statuses [100]bool // from 500
}

func newTriggers(words []string) (t triggers) {
	for _, word := range words {
		if i := slices.Index(config.Triggers(), word); i >= 0 {
			t.failures[i] = true
		} else if status, err := strconv.Atoi(word); err == nil && status >= 500 && status < 600 {
			t.statuses[status-500] = true
		}
	}
	return t
}

func (t *triggers) have(o outcome) bool {
	switch {
	case o >= 500 && o < 600:
		return t.statuses[o-500]
	case o < 0 && o > unjudged:
		return t.failures[-1-o]
	}
	return false
}
