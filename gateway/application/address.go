package application

import (
	"net/netip"
	"slices"
)

// addresses finds applications by the address that a request comes from. The
// addresses there are lie in stretches, in order: within one, the applications
// are the same.
type addresses []stretch

type stretch struct {
	first        netip.Addr
	applications []*Application // up to the next stretch; empty: nobody's
}

// border is an address from which on one application more is known, or one less.
type border struct {
	at     netip.Addr
	enters bool
	*Application
}

func newAddresses(applications []*Application) addresses {
	var borders []border
	for _, a := range applications {
		for _, r := range a.ranges {
			borders = append(borders, border{r.First, true, a})
			if after := r.Last.Next(); after.IsValid() { // the last address of all has none
				borders = append(borders, border{after, false, a})
			} else if r.Last.Is4() {
				borders = append(borders, border{netip.IPv6Unspecified(), false, a}) // comes after all of IPv4
			}
		}
	}
	slices.SortStableFunc(borders, func(a, b border) int { return a.at.Compare(b.at) })
	var all addresses
	inside := map[*Application]int{} // in how many of its ranges
	var now []*Application
	for i, b := range borders {
		if b.enters {
			if inside[b.Application]++; inside[b.Application] == 1 {
				now = append(now, b.Application)
			}
		} else if inside[b.Application]--; inside[b.Application] == 0 {
			now = slices.DeleteFunc(slices.Clone(now), func(a *Application) bool { return a == b.Application })
		}
		if i+1 == len(borders) || borders[i+1].at != b.at {
			all = append(all, stretch{b.at, slices.Clone(now)})
		}
	}
	return all
}

// ByAddress returns the applications with this address, as a list that is not to
// be changed. IPv4 is not looked for in its IPv6 form.
func (x *Index) ByAddress(ip netip.Addr) []*Application {
	all := x.addresses
	low, high := 0, len(all)
	for low < high {
		if middle := (low + high) / 2; ip.Less(all[middle].first) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low == 0 {
		return nil
	}
	return all[low-1].applications
}
