// Package router says which API and which of its resources own a request. It
// knows hosts, paths and methods; what is done with the request is not its
// business.
//
// A path is made canonical once (path.go) and matched in that form only, so
// that what was judged is what is forwarded. Prefixes are found by hash
// (router.go), resources in a tree of path segments (resources.go).
package router
