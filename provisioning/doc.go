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
// flags.go and options.go are what command lines say of all that; commandline/ reads
// them. Beside the path stand archive/, which writes exports of a central gateway as
// bundles, diff/, which says what a change would do, and check/ and schema/; keystore/
// reads Java stores, shown/ shows a configuration without its secrets.
//
// Nothing of a bundle is applied when there is one fault in it. Provisioning
// imports neither the gateway nor introspect: it is handed a function to apply
// a configuration with.
package provisioning
