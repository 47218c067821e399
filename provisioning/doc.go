// Package provisioning brings a configuration to the gateway and keeps it
// current.
//
// The path of a reload:
//  1. watch.go notices that something may have changed: an event in a directory
//     of a file that was read, SIGHUP, or the slow poll.
//  2. reload.go, one goroutine, loads again and compares hashes.
//  3. load.go brings all sources together: settings/ reads YAML and the
//     environment, config/ fills in defaults and validates; report.go says what
//     is wrong, with file, line and column.
//  4. reload.go hands the result to the gateway, which builds it beside the
//     running one and swaps, or refuses; faults of building are located by
//     Loaded.Locate.
//  5. reload.go remembers the outcome.
//
// Nothing of a bundle is applied when there is one fault in it. Provisioning
// imports neither the gateway nor introspect: it is handed a function to apply
// a configuration with.
package provisioning
