// Package archive reads exports of webMethods API Gateway and writes what they say
// in our own grammar, as the text of a bundle. There is one translation, and it can
// be read by people: what an export means is what its text says.
//
//	read.go       files of archives and folders, within bounds
//	export.go     the assets in them, linked by their ids
//	parameter.go  the trees of parameters that policies are made of
//	text.go       YAML, with comments
//	convert.go    an export as a bundle, and what needs a hand
//	api.go, application.go, authserver.go, alias.go
//	              an asset as an entry of the bundle
//	global.go     policies of several APIs
//	policy.go     which translator a template key has
//	identify.go, routing.go, rules.go, throttle.go, mask.go, transform.go, validate.go,
//	outbound.go, cache.go, monitor.go, log.go, faults.go, cors.go, flood.go
//	              the translators
//	command.go    the command line
//
// Files are known by what their base names begin with, wherever they lie, as the
// versions of the product put them into different folders. A policy that is not
// known here leaves its API out, and only it: half a protection is none.
package archive
