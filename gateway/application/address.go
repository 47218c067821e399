package application

import (
	"net/netip"
	"slices"

	"postern/provisioning/config"
)

// addresses finds applications by the address that a request comes from. It is
// the ranges there are, by their first addresses, and a tree at the same time: the
// middle one is its root, and those on either side are trees likewise. Each knows
// the last address in its tree, so trees that end before an address are left out.
// That takes as much memory as there are ranges, however they lie in each other.
type addresses []stretch

type stretch struct {
	config.AddressRange
	furthest netip.Addr // last address of all ranges in its tree
	*Application
}

func newAddresses(applications []*Application) addresses {
	var all addresses
	for _, a := range applications {
		for _, r := range merged(a.ranges) {
			all = append(all, stretch{r, r.Last, a})
		}
	}
	slices.SortStableFunc(all, func(a, b stretch) int { return a.First.Compare(b.First) })
	all.rank()
	return all
}

// merged is ranges in order, without overlaps: none finds its application twice.
func merged(ranges []config.AddressRange) (all []config.AddressRange) {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b config.AddressRange) int { return a.First.Compare(b.First) })
	for _, r := range sorted {
		last := len(all) - 1
		switch {
		case last < 0 || all[last].Last.Less(r.First):
			all = append(all, r)
		case all[last].Last.Less(r.Last):
			all[last].Last = r.Last
		}
	}
	return all
}

// rank fills in furthest, and returns that of the root.
func (s addresses) rank() netip.Addr {
	if len(s) == 0 {
		return netip.Addr{}
	}
	root := &s[len(s)/2]
	for _, side := range []addresses{s[:len(s)/2], s[len(s)/2+1:]} {
		if last := side.rank(); root.furthest.Less(last) {
			root.furthest = last
		}
	}
	return root.furthest
}

// find appends the applications whose range an address is in to found. That of
// the first one allocates nothing.
func (s addresses) find(ip netip.Addr, found []*Application) []*Application {
	for len(s) > 0 {
		middle := len(s) / 2
		root := &s[middle]
		if root.furthest.Less(ip) {
			break
		}
		found = s[:middle].find(ip, found)
		if ip.Less(root.First) {
			break
		}
		switch {
		case root.Last.Less(ip):
		case len(found) == 0:
			found = root.Alone()
		default:
			found = append(found, root.Application) // Alone has no room for more
		}
		s = s[middle+1:]
	}
	return found
}

// ByAddress returns the applications with this address, as a list that is not to
// be changed. IPv4 is not looked for in its IPv6 form.
func (x *Index) ByAddress(ip netip.Addr) []*Application { return x.addresses.find(ip, nil) }
