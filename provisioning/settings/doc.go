// Package settings reads bundles written in YAML: files, directories and the
// environment become one config.Config, and everything wrong with them becomes
// faults with file, line and column.
//
// The way of a bundle: Files reads it, Parse turns each file into Nodes,
// NewTree merges the Nodes of all files, Overlay lays the environment over them
// and Override the command line, Translate says in this grammar what only webMethods'
// settings say, Decode fills in a config.Config.
//
// Why an own decoder above the library's nodes: several files are merged before
// they are judged, a fault needs the path of its place and the key that was
// probably meant, a secret or file is read relative to the file that names it,
// and keys of a later gateway are told from mistakes. A hook per type knows none
// of these.
package settings
