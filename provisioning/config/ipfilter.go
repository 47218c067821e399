package config

import (
	"slices"
	"strings"
)

// IPFilter says which addresses may call. Deny beats allow; with an allow of
// either kind, whoever is in neither may not.
type IPFilter struct {
	Allow []AddressRange `yaml:"allow"`
	Deny  []AddressRange `yaml:"deny"`
	Hosts HostFilter     `yaml:"hosts"`
}

// HostFilter is IPFilter by host names: exact, or *. and what they end with, in
// small letters after SetDefaults.
type HostFilter struct {
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

func (f *IPFilter) setDefaults() {
	for _, names := range [][]string{f.Hosts.Allow, f.Hosts.Deny} {
		for i, name := range names {
			names[i] = strings.TrimSuffix(strings.ToLower(name), ".")
		}
	}
}

func (v *checker) ipfilter(path []any, f *IPFilter) {
	if f == nil {
		return
	}
	if len(f.Allow)+len(f.Deny)+len(f.Hosts.Allow)+len(f.Hosts.Deny) == 0 {
		v.add(path, "state allow, deny or hosts: without them everybody may call")
	}
	for _, list := range []struct {
		key    string
		ranges []AddressRange
	}{{"allow", f.Allow}, {"deny", f.Deny}} {
		for i, r := range list.ranges {
			if slices.Contains(list.ranges[:i], r) {
				v.add(at(path, list.key, i), "stands twice")
			}
		}
	}
	v.filteredHosts(at(path, "hosts", "allow"), f.Hosts.Allow)
	v.filteredHosts(at(path, "hosts", "deny"), f.Hosts.Deny)
	if len(f.Hosts.Deny) > 0 {
		v.warn(at(path, "hosts", "deny"), "whoever owns an address can leave it without a name: deny by address where it matters")
	}
}

func (v *checker) filteredHosts(path []any, names []string) {
	for i, name := range names {
		if !validHost(strings.TrimPrefix(name, "*.")) {
			v.add(at(path, i), "%q is not a host name, nor *. before one", name)
		}
		if slices.Contains(names[:i], name) {
			v.add(at(path, i), "%q stands twice", name)
		}
	}
}
