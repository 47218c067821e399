package provisioning

import "time"

// Outcome is how the last attempt to bring in a configuration went, and what
// runs since the last one that succeeded.
type Outcome struct {
	When    time.Time // of the last attempt; zero before the first
	Success bool      // of the last attempt
	Err     error     // why it failed: a Report, or what apply said; nil after a success
	Files   []string  // files and directories it read

	LastSuccess time.Time
	Hash        string    // of all that was read for the running configuration, secrets too: never shown; "": none
	Generation  uint64    // counts the configurations that were applied
	Since       time.Time // when the running one was applied
	Warnings    Report    // of the running configuration

	LastFailed time.Time // of the last attempt that failed, also after later ones; zero: none
	LastErr    error     // why it failed

	Applied, Refused uint64 // attempts so far, by how they went
}
