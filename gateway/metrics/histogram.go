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

// append writes the buckets, each with those below it, then sum and count. The
// count is that of the last bucket, whatever is observed meanwhile.
func (h *histogram) append(dst []byte, name, label string) []byte {
	below := uint64(0)
	for b := range h.buckets {
		below += h.buckets[b].Load()
		dst = append(dst, name...)
		dst = append(dst, "_bucket{"...)
		dst = append(dst, label...)
		le := "+Inf"
		if b < len(bounds) {
			le = bounds[b].le
		}
		dst = append(dst, `,le="`...)
		dst = append(dst, le...)
		dst = appendCount(dst, `"}`, below)
	}
	dst = append(dst, name...)
	dst = append(dst, "_sum{"...)
	dst = append(dst, label...)
	dst = append(dst, "} "...)
	dst = strconv.AppendFloat(dst, time.Duration(h.sum.Load()).Seconds(), 'g', -1, 64)
	dst = append(dst, '\n')
	dst = append(dst, name...)
	dst = append(dst, "_count{"...)
	dst = append(dst, label...)
	return appendCount(dst, "}", below)
}

// appendCount ends a line: what is left of the series, and its value.
func appendCount(dst []byte, series string, n uint64) []byte {
	dst = append(dst, series...)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, n, 10)
	return append(dst, '\n')
}
