// Package demo is a gateway with everything around it in one process: an
// issuer of tokens, an upstream and a configuration file that can be edited
// while it runs. It needs no file, no network beyond loopback and no other
// program; main.go hands it the gateway, joined as run joins it.
//
//	issuer.go    signs tokens, publishes and rotates its keys
//	echo.go      the upstream: answers what it received
//	settings.go  the configuration, and the edit that is made while it runs
//	stage.go     all of it started and stopped
//	script.go    what is asked and what must come back
//	print.go     what a person reads
//	demo.go      Run: stay until asked to stop, or play the script once
package demo
