package settings

import (
	"slices"
	"strings"
)

// commandLine is the file name of what comes from the command line.
const commandLine = "command line"

// Argument is a setting that the command line states.
type Argument struct {
	Option string // as it was written
	Path   string // of the setting, joined with dots
	Value  string
}

// Override lays the command line over the tree, and comes after Overlay.
func (t *Tree) Override(arguments []Argument, cwd string) []Fault {
	known := knownSettings()
	var faults []Fault
	for _, a := range arguments {
		src := &Source{Name: commandLine, Dir: cwd, variable: a.Option}
		target, ok := known.find(strings.ToLower(strings.ReplaceAll(a.Path, ".", "_")))
		if !ok {
			faults = append(faults, Fault{Place{File: commandLine}, a.Option, "names no setting"})
			continue
		}
		t.put(target, variable(a.Value, src, target.list))
	}
	return faults
}

// SpeaksVendor reports whether a variable is one of webMethods'.
func SpeaksVendor(environ []string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return len(name) > len("mcgw_") && strings.EqualFold(name[:len("mcgw_")], "mcgw_") && !isService(name, value)
	})
}

// AsVendor says that the command line is webMethods'.
func (t *Tree) AsVendor(cwd string) {
	t.asVendor(&Node{src: &Source{Name: commandLine, Dir: cwd, variable: "start"}})
}
