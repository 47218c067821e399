// Package admin is the operator's window on a running gateway: whether it
// lives and is ready, what it does, with which settings and assets, and its
// metrics. It only reads; what it shows arrives as functions, so that each
// request sees the live configuration.
//
//	handler.go   paths, methods and who may ask
//	traffic.go   the same on the traffic ports, reduced for strangers
//	status.go    what the gateway is doing
//	assets.go    which APIs and auth servers it has
//	settings.go  its configuration, without what must stay secret
//	server.go    the listener's bounds
package admin
