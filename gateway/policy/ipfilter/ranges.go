package ipfilter

import (
	"net/netip"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// ranges are addresses, in order and without overlaps. IPv4 comes before IPv6.
type ranges []config.AddressRange

func newRanges(list []config.AddressRange) (merged ranges) {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b config.AddressRange) int { return a.First.Compare(b.First) })
	for _, r := range sorted {
		if n := len(merged); n > 0 && !merged[n-1].Last.Less(r.First) {
			if merged[n-1].Last.Less(r.Last) {
				merged[n-1].Last = r.Last
			}
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// hold reports whether an address that is no IPv4-mapped one is among them.
func (r ranges) hold(address netip.Addr) bool {
	low, high := 0, len(r)
	for low < high {
		middle := (low + high) / 2
		switch {
		case address.Less(r[middle].First):
			high = middle
		case r[middle].Last.Less(address):
			low = middle + 1
		default:
			return address.IsValid()
		}
	}
	return false
}

// hosts are host names.
type hosts struct {
	exact map[string]bool
	below map[string]bool // by what follows the asterisk's dot
}

func newHosts(names []string) hosts {
	h := hosts{map[string]bool{}, map[string]bool{}}
	for _, name := range names {
		if suffix, ok := strings.CutPrefix(name, "*."); ok {
			h.below[suffix] = true
		} else {
			h.exact[name] = true
		}
	}
	return h
}

func (h *hosts) empty() bool { return len(h.exact)+len(h.below) == 0 }

// hold reports whether one of the names is among them.
func (h *hosts) hold(names []string) bool {
	for _, name := range names {
		if h.exact[name] || h.holdBelow(name) {
			return true
		}
	}
	return false
}

func (h *hosts) holdBelow(name string) bool {
	for len(h.below) > 0 {
		_, rest, more := strings.Cut(name, ".")
		if !more {
			return false
		}
		if h.below[rest] {
			return true
		}
		name = rest
	}
	return false
}
