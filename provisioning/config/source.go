package config

import (
	"embed"
	"io/fs"
)

// Defaults and validation are most of this package and say nothing of the
// grammar, so they are not carried along, nor are tests.
//
//go:embed [^dv]*.go definition.go denylist.go destination.go validation.go value.go
var ownSource embed.FS

// Source is the source of this package's types. The comments of its structs are
// the documentation of the grammar, for those who show it to people.
func Source() fs.FS { return ownSource }
