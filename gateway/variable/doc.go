// Package variable is the ${…} of texts that are written for each request: of
// answers to failures, and of whatever else the configuration words. A text is
// taken apart at load, where every name in it must be known, and is written into
// a buffer with its values escaped for the place at which they stand.
//
//	template.go  Parse and Append
//	names.go     which variables there are
//	read.go      how their values are found; payload.go those in bodies
//	place.go     where in JSON and XML a variable may stand
//	escape.go    how a value is written there, and in fields, paths and queries
//
// It reads an exchange and what went wrong, names claims as policies do, quotes
// as problems do, and proposes names as the configuration does: what it imports.
//
// Which names there are is the vendor's: see the READMEs of policy/faults and
// policy/transform.
package variable
