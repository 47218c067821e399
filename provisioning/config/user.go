package config

import "slices"

// User is somebody whom tokens may speak for, or who shows a password.
type User struct {
	Name     string   `yaml:"name"`     // the sub of its tokens, the user-id of basic authentication
	Password Secret   `yaml:"password"` // in the clear, or a hash: see ParsePasswordHash; absent: it can show none
	Groups   []string `yaml:"groups"`
}

// AccessProfile is a name for some groups: who is in one of them has it.
type AccessProfile struct {
	Name   string   `yaml:"name"`
	Groups []string `yaml:"groups"`
}

// Subject says which sub a token of an auth server may have; all that is stated
// must hold.
type Subject struct {
	Any     []string `yaml:"any"`     // one of these; * stands for any text
	Pattern string   `yaml:"pattern"` // RE2, the whole subject
	User    bool     `yaml:"user"`    // one of Config.Users, whose groups the caller then has
}

// APIGateway is the central gateway.
type APIGateway struct {
	Dir Installation `yaml:"dir"` // whose users.cnf is read
}

// Installation is the folder of a webMethods installation, with what is read
// there.
type Installation struct {
	Path  string
	Users []User // of users.cnf
}

// IsZero reports whether none was named.
func (i Installation) IsZero() bool { return i.Path == "" }

// MarshalText shows the folder only.
func (i Installation) MarshalText() ([]byte, error) { return []byte(i.Path), nil }

// importUsers adds those of an installation. What stands in the settings wins,
// but for groups that are not stated there.
func (c *Config) importUsers() {
	if c.APIGateway == nil {
		return
	}
	stated := map[string]int{}
	for i, u := range c.Users {
		stated[u.Name] = i
	}
	c.Users = slices.Clip(c.Users)
	for _, imported := range c.APIGateway.Dir.Users {
		i, ok := stated[imported.Name]
		switch {
		case !ok:
			c.Users = append(c.Users, imported)
		case c.Users[i].Groups == nil:
			c.Users[i].Groups = imported.Groups
		}
		if ok && c.Users[i].Password.IsZero() {
			c.Users[i].Password = imported.Password
		}
	}
}
