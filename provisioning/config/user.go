package config

// User is somebody whom tokens may speak for.
type User struct {
	Name   string   `yaml:"name"` // the sub of its tokens
	Groups []string `yaml:"groups"`
}

// Subject says which sub a token of an auth server may have; all that is stated
// must hold.
type Subject struct {
	Any     []string `yaml:"any"`     // one of these; * stands for any text
	Pattern string   `yaml:"pattern"` // RE2, the whole subject
	User    bool     `yaml:"user"`    // one of Config.Users, whose groups the caller then has
}
