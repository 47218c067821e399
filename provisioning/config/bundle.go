package config

// Bundle is where more of a configuration comes from, and what is kept of what
// was fetched.
type Bundle struct {
	// Keep is a folder for the last good copies of what is fetched, for a start
	// while its source is away; default: nothing is kept.
	Keep Folder `yaml:"keep"`
}

// Folder is the absolute path of one; files name it relative to themselves.
type Folder string
