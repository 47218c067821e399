package config

import (
	"fmt"
	"slices"
)

// empty reports whether nothing but tokens of its own finds the application.
func (i *Identifiers) empty() bool {
	return len(i.Claims) == 0 && len(i.APIKeys) == 0 && len(i.Basic) == 0 && len(i.IP) == 0 && len(i.Certificates) == 0 &&
		len(i.Hostname) == 0 && len(i.Payload) == 0
}

// identifiers checks that what finds an application finds no other.
func (v *checker) identifiers(applications []Application) {
	seen := map[any][]any{}
	sole := func(identifier any, path []any, what string) {
		if first := seen[identifier]; first != nil {
			v.clash(path, first, "the same %s stands twice, so it says not whose it is", what)
			return
		}
		seen[identifier] = path
	}
	for i := range applications {
		id, path := &applications[i].Identify, []any{"applications", i, "identify"}
		for j, key := range id.APIKeys {
			if !key.IsZero() {
				sole(key.Digest(), at(path, "api_keys", j), "key")
			}
			if key.short {
				v.warn(at(path, "api_keys", j), "has fewer than %d characters, so it can be guessed", shortKey)
			}
		}
		for j, c := range id.Certificates {
			place := at(path, "certificates", j, "file")
			if c.File.IsZero() {
				v.add(place, "missing: the certificate that callers show")
			} else if _, thumbprint, err := c.Parse(); err != nil {
				v.add(place, "%v", err)
			} else {
				sole(thumbprint, place, "certificate")
			}
		}
	}
}

// overlapping reports addresses that are those of two applications, where one
// API would have to tell them apart by that.
func (v *checker) overlapping(c *Config) {
	told := map[[2]int]bool{}
	for l := range c.AllLevels() {
		id := l.Policies.Identify
		if id == nil || !id.Uses("ip") || id.Combine == "and" && len(id.By) > 1 {
			continue
		}
		for _, api := range c.reached(l) {
			v.overlaps(c.ranges(id, &c.APIs[api]), c.Applications, told)
		}
	}
}

// rangeAt is a range with its place.
type rangeAt struct {
	AddressRange
	application, index int
}

func (r rangeAt) path() []any { return []any{"applications", r.application, "identify", "ip", r.index} }

// ranges are those that an API knows, by their first address.
func (c *Config) ranges(id *Identify, api *API) (ranges []rangeAt) {
	for i := range c.Applications {
		a := &c.Applications[i]
		if a.Suspended || id.Applications == "registered" && !a.RegisteredFor(api) {
			continue
		}
		for j, r := range a.Identify.IP {
			if r.First.IsValid() {
				ranges = append(ranges, rangeAt{r, i, j})
			}
		}
	}
	slices.SortStableFunc(ranges, func(a, b rangeAt) int { return a.First.Compare(b.First) })
	return ranges
}

// maxOverlaps bounds a list that nobody reads to its end.
const maxOverlaps = 100

// overlaps reports each pair of applications once.
func (v *checker) overlaps(ranges []rangeAt, applications []Application, told map[[2]int]bool) {
	var open []rangeAt // those that reach as far as r, and may reach farther
	for _, r := range ranges {
		open = slices.DeleteFunc(open, func(o rangeAt) bool { return o.Last.Less(r.First) })
		for _, o := range open {
			pair := [2]int{min(o.application, r.application), max(o.application, r.application)}
			if o.application == r.application || told[pair] {
				continue
			}
			if len(told) == maxOverlaps {
				return
			}
			told[pair] = true
			v.warnClash(r.path(), o.path(), fmt.Sprintf("%s is an address of application %q too, so who calls from there is refused", r.First, applications[o.application].Name))
		}
		open = append(open, r)
	}
}
