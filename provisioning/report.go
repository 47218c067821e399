package provisioning

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern/provisioning/settings"
)

// Issue is a fault or warning with its place. Line and Column count from 1 and
// are 0 where only the file is known. What came from the environment has File
// "environment" and the variable's name as Path.
type Issue struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"`
}

// String is "file:line:column: path: message", without what is not known.
func (i Issue) String() string {
	var b strings.Builder
	b.WriteString(settings.Place{File: i.File, Line: i.Line, Column: i.Column}.String())
	b.WriteString(": ")
	if i.Path != "" {
		b.WriteString(i.Path + ": ")
	}
	if i.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(i.Message)
	return b.String()
}

// Report is everything found in one load, sorted by file and line.
type Report []Issue

// Error lists all issues, one a line.
func (r Report) Error() string {
	lines := make([]string, len(r))
	for i := range r {
		lines[i] = r[i].String()
	}
	return strings.Join(lines, "\n")
}

// sort orders by file, line, column, path, message, and drops repetitions.
func (r Report) sort() Report {
	slices.SortFunc(r, func(a, b Issue) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(r)
}

// split tells faults from warnings.
func (r Report) split() (faults, warnings Report) {
	for _, issue := range r {
		if issue.Warning {
			warnings = append(warnings, issue)
		} else {
			faults = append(faults, issue)
		}
	}
	return faults, warnings
}

func issueOf(f settings.Fault) Issue {
	return Issue{File: f.File, Line: f.Line, Column: f.Column, Path: f.Path, Message: f.Message}
}

// seeAlso is how a message names the second place of a contradiction.
func seeAlso(place settings.Place, path string) string {
	if place.Line == 0 {
		return fmt.Sprintf(" (see %s %s)", place.File, path)
	}
	return fmt.Sprintf(" (see %s)", place)
}
