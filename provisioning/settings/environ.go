package settings

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// environment is the file name of what comes from the environment.
const environment = "environment"

var (
	settingName = regexp.MustCompile(`(?i)^(?:mcgw|postern)_(.+)$`)
	// What Kubernetes makes for a Service that happens to be named like us.
	serviceName    = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_.*)?$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)
	serviceAddress = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// Overlay lays the variables mcgw_… and POSTERN_… over the tree: each names the
// path of a setting, joined with underscores. One that names none is a fault,
// unless an {env} of the bundle asks for it or Kubernetes made it.
func (t *Tree) Overlay(f *Files, cwd string) []Fault {
	known := knownSettings()
	names := known.names()

	var faults []Fault
	setBy := map[string]string{}
	for _, name := range f.settingNames() {
		if t.asked[name] {
			continue
		}
		rest := strings.ToLower(settingName.FindStringSubmatch(name)[1])
		value, _ := f.Getenv(name)
		target, ok := known.find(rest)
		if !ok {
			target, ok = t.aliasSetting(name[len(name)-len(rest):])
		}
		switch {
		case !ok && isService(name, value):
		case !ok:
			faults = append(faults, Fault{Place{File: environment}, name, "names no setting" + meant(name, rest, names)})
		case setBy[rest] != "":
			faults = append(faults, Fault{Place{File: environment}, name, fmt.Sprintf("%s sets the same", setBy[rest])})
		default:
			setBy[rest] = name
			given := variable(value, &Source{Name: environment, Dir: cwd, variable: name}, target.list)
			t.put(target, given)
			if strings.EqualFold(name[:len("mcgw")], "mcgw") {
				t.asVendor(given)
			}
		}
	}
	t.misspelt(f, known)
	return faults
}

// misspelt warns of variables whose prefix is nearly one of ours.
func (t *Tree) misspelt(f *Files, known reach) {
	for _, name := range slices.Sorted(maps.Keys(f.environ)) {
		prefix, rest, _ := strings.Cut(name, "_")
		near := config.Nearest(prefix, []string{"mcgw", "postern"})
		if near == "" || strings.EqualFold(prefix, near) {
			continue
		}
		if _, ok := known.find(strings.ToLower(rest)); ok {
			t.warnings = append(t.warnings, Fault{Place{File: environment}, name, fmt.Sprintf("is not read; did you mean %q?", near+"_"+rest)})
		}
	}
}

// meant proposes a variable, written as name is; rest is name without its prefix.
func meant(name, rest string, names []string) string {
	near := config.Nearest(rest, names)
	if near == "" {
		return ""
	}
	if name == strings.ToUpper(name) {
		near = strings.ToUpper(near)
	}
	return fmt.Sprintf("; did you mean %q?", name[:len(name)-len(rest)]+near)
}

// settingNames are the variables that may name a setting, sorted.
func (f *Files) settingNames() []string {
	var names []string
	for name := range f.environ {
		if settingName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func isService(name, value string) bool {
	return serviceName.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceAddress.MatchString(value)
}

// variable is the Node of what a variable, or an option, says.
func variable(value string, src *Source, list bool) *Node {
	n := &Node{Text: value, src: src}
	if !list {
		return n
	}
	n.Kind = List
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			n.Items = append(n.Items, &Node{Text: part, src: src})
		}
	}
	return n
}

// put sets a value, making the mappings above it. Nodes of files may be shared,
// so the way down is copied.
func (t *Tree) put(s setting, value *Node) {
	if s.keys[0] == "policies" { // where our list may stand
		t.userAuth = value
		return
	}
	n := t.root
	for _, key := range s.keys[:len(s.keys)-1] {
		next := n.get(key)
		switch {
		case next == nil:
			next = &Node{Kind: Mapping, src: value.src}
		case next.Kind != Mapping:
			return // a fault of its own, which must stay
		default:
			copied := *next
			copied.Keys, copied.Items = slices.Clone(next.Keys), slices.Clone(next.Items)
			next = &copied
		}
		n.set(&Node{Text: key, src: value.src}, next)
		n = next
	}
	n.set(&Node{Text: s.keys[len(s.keys)-1], src: value.src}, value)
}
