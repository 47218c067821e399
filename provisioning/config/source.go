package config

import (
	"embed"
	"io/fs"
)

//go:embed *.go
var ownSource embed.FS

// Source is the source of this package. The comments of its structs are the
// documentation of the grammar, for those who show it to people.
func Source() fs.FS { return ownSource }
