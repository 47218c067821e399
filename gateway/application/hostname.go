package application

import (
	"slices"
	"strings"
)

// newHostnames is the applications by their host names.
func newHostnames(applications []*Application) map[string][]*Application {
	all := map[string][]*Application{}
	for _, a := range applications {
		for _, name := range a.hostnames {
			name = strings.TrimPrefix(name, "*") // .example.com is any name below it
			if !slices.Contains(all[name], a) {
				all[name] = append(all[name], a)
			}
		}
	}
	return all
}

// ByHostname returns the applications that are known by one of these names,
// which are in small letters.
func (x *Index) ByHostname(names []string) (found []*Application) {
	if len(x.hostnames) == 0 {
		return nil
	}
	for _, name := range names {
		found = add(found, x.hostnames[name])
		for dot := strings.IndexByte(name, '.'); dot >= 0; {
			found = add(found, x.hostnames[name[dot:]])
			next := strings.IndexByte(name[dot+1:], '.')
			if next < 0 {
				break
			}
			dot += 1 + next
		}
	}
	return found
}

// add appends the applications that are not there yet.
func add(list, more []*Application) []*Application {
	for _, a := range more {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}
