package metrics

import (
	"strconv"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets, ascending, with their label; what
// is longer is in a last one.
var bounds = [...]struct {
	end time.Duration
	le  string
}{
	{time.Millisecond, "0.001"},
	{2500 * time.Microsecond, "0.0025"},
	{5 * time.Millisecond, "0.005"},
	{10 * time.Millisecond, "0.01"},
	{25 * time.Millisecond, "0.025"},
	{50 * time.Millisecond, "0.05"},
	{100 * time.Millisecond, "0.1"},
	{250 * time.Millisecond, "0.25"},
	{500 * time.Millisecond, "0.5"},
	{time.Second, "1"},
	{2500 * time.Millisecond, "2.5"},
	{5 * time.Second, "5"},
	{10 * time.Second, "10"},
	{30 * time.Second, "30"},
}

// histogram counts durations in buckets.
//
// Why not the library's: its histogram takes a mutex for each update, which all
// cores that serve the same API would share.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // each counts its own span only
	sum     atomic.Int64                   // nanoseconds
}

// observe counts d; a clock that went backwards counts as no time at all.
func (h *histogram) observe(d time.Duration) {
	d = max(d, 0)
	n := 0
	for n < len(bounds) && d > bounds[n].end {
		n++
	}
	h.buckets[n].Add(1)
	h.sum.Add(int64(d))
}

// count is how many durations were observed.
func (h *histogram) count() (n uint64) {
	for b := range h.buckets {
		n += h.buckets[b].Load()
	}
	return n
}

// write writes the buckets, each with those below it, then sum and count. The
// count is that of the last bucket, whatever is observed meanwhile.
func (h *histogram) write(p *page, f family, labels string) {
	below := uint64(0)
	for b := range h.buckets {
		below += h.buckets[b].Load()
		p.bucket(f, labels, b, below)
	}
	p.lines = append(p.lines, f.name...)
	p.series("_sum", labels)
	p.lines = strconv.AppendFloat(p.lines, time.Duration(h.sum.Load()).Seconds(), 'g', -1, 64)
	p.end()
	p.lines = append(p.lines, f.name...)
	p.series("_count", labels)
	p.lines = strconv.AppendUint(p.lines, below, 10)
	p.end()
}

// bucket writes how many are in bucket b and below.
func (p *page) bucket(f family, labels string, b int, n uint64) {
	le := "+Inf"
	if b < len(bounds) {
		le = bounds[b].le
	}
	comma := ","
	if labels == "" {
		comma = ""
	}
	for _, s := range [...]string{f.name, "_bucket{", labels, comma, `le="`, le, `"} `} {
		p.lines = append(p.lines, s...)
	}
	p.lines = strconv.AppendUint(p.lines, n, 10)
	p.end()
}
