package monitor

import (
	"math"
	"sync/atomic"
	"time"
)

// figures are counted while an interval runs.
type figures struct {
	id, name       string // of the application; "": none, or any
	success, fault atomic.Int64
	sum, min, max  atomic.Int64 // nanoseconds
	alerted        bool         // the rules held of the interval before
}

func newFigures(id, name string) *figures {
	f := &figures{id: id, name: name}
	f.min.Store(math.MaxInt64)
	return f
}

func (f *figures) count(took time.Duration, failed bool) {
	if failed {
		f.fault.Add(1)
	} else {
		f.success.Add(1)
	}
	n := int64(took)
	f.sum.Add(n)
	for least := f.min.Load(); n < least && !f.min.CompareAndSwap(least, n); {
		least = f.min.Load()
	}
	for most := f.max.Load(); n > most && !f.max.CompareAndSwap(most, n); {
		most = f.max.Load()
	}
}

// take returns the figures and begins anew. What is counted meanwhile may stand
// in either interval.
func (f *figures) take(now time.Time) figure {
	s := figure{of: f, end: now, success: f.success.Swap(0), fault: f.fault.Swap(0), max: time.Duration(f.max.Swap(0))}
	s.sum = time.Duration(f.sum.Swap(0))
	s.min = time.Duration(f.min.Swap(math.MaxInt64))
	if s.total() == 0 {
		s.min = 0
	}
	return s
}

// figure is an interval that is over.
type figure struct {
	of             *figures
	end            time.Time
	success, fault int64
	sum, min, max  time.Duration
}

func (s figure) total() int64 { return s.success + s.fault }

func (s figure) average() time.Duration {
	if s.total() == 0 {
		return 0
	}
	return s.sum / time.Duration(s.total())
}

// availability is how many of a hundred requests have succeeded.
func (s figure) availability() float64 {
	if s.total() == 0 {
		return 100
	}
	return 100 * float64(s.success) / float64(s.total())
}

// metric is the figure that a rule names, times in milliseconds. Without a request
// there are only counts.
func (s figure) metric(name string) (value float64, known bool) {
	known = s.total() > 0
	switch name {
	case "availability":
		return s.availability(), known
	case "average_response_time":
		return millis(s.average()), known
	case "minimum_response_time":
		return millis(s.min), known
	case "maximum_response_time":
		return millis(s.max), known
	case "success_count":
		return float64(s.success), true
	case "fault_count":
		return float64(s.fault), true
	}
	return float64(s.total()), true
}

func millis(d time.Duration) float64 { return float64(d.Milliseconds()) }
