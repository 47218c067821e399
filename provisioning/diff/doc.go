// Package diff compares two configurations: what changes, and where protection
// is lost.
//
//	command.go  the command line
//	change.go   two configurations, setting by setting
//	weaker.go   which settings protect, and when they protect less
//
// It judges settings one by one, as they are after defaults. A policy that moves
// from an API to a global policy is no loss, nor is an API that goes.
package diff
