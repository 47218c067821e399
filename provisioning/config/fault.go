package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fault is something wrong at a place of the Config, not yet located in a file.
// Path holds field names (string, as in YAML) and indexes (int).
type Fault struct {
	Path    []any
	Message string
	Also    []any // the other place, where two places contradict each other
	Warning bool
}

// String is "apis[0].name: message".
func (f Fault) String() string {
	text := PathString(f.Path) + ": " + f.Message
	if f.Also != nil {
		text += " (see " + PathString(f.Also) + ")"
	}
	return text
}

// Faults is an error that provisioning can locate, returned by Validate and by
// building a gateway.
type Faults []Fault

// Error lists all faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}

// PathString writes a path as a[0].b.
func PathString(path []any) string {
	var b strings.Builder
	for _, step := range path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, s)
		}
	}
	return b.String()
}

// Below puts path in front of the paths of the faults in err; another error
// becomes the one fault at path.
func Below(err error, path ...any) Faults {
	var faults Faults
	if !errors.As(err, &faults) {
		return Faults{{Path: path, Message: err.Error()}}
	}
	moved := make(Faults, len(faults))
	for i, f := range faults {
		f.Path = append(slices.Clone(path), f.Path...)
		moved[i] = f
	}
	return moved
}
