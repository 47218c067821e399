package settings

import "fmt"

// Place is where something stands. Line and Column count from 1; Line is 0
// where only the file, or the environment, is known.
type Place struct {
	File         string
	Line, Column int
}

// String is file:line:column, or the file alone.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault is something wrong at a place. Path is written as a[0].b; where it
// leads through a list that several files add to, it counts within its file.
type Fault struct {
	Place
	Path, Message string
}

// path leads to a value: keys (string) and indexes (int) from the root. It is a
// stack while decoding, so it is copied before it is kept.
type path []any
