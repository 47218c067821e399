// Package admin is the operator's window on a running gateway: whether it
// lives and is ready, what it does, with which settings and assets, and its
// metrics. It only reads, but for the keys it can have fetched and the answers it
// can have forgotten; what it shows
// arrives as functions, so that each request sees the live configuration.
//
//	handler.go   paths, methods and who may ask
//	basic.go     names and passwords
//	host.go      who may be asked without a password
//	page.go      the page for people, assembled from the folder page
//	traffic.go   the same on the traffic ports, reduced for strangers
//	status.go    what the gateway is doing
//	assets.go    which APIs and auth servers it has
//	hash.go      the name of its configuration
//	refresh.go   fetching an auth server's keys at once
//	purge.go     removing answers that are kept of an API
//	debug.go     profiles of the process
//	server.go    the server's bounds
//	listener.go  how many connections it has
package admin
