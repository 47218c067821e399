package config

// API is one API: where it is found, where it goes, and by which rules.
type API struct {
	Name       string      `yaml:"name"`
	Version    string      `yaml:"version"`
	Hosts      []string    `yaml:"hosts"`     // exact or "*.suffix", lower case after SetDefaults; empty takes every host
	BasePath   string      `yaml:"base_path"` // replaces <api_endpoint.base_path>/<name>[/<version>]; "/" takes what is left
	Paths      Paths       `yaml:"paths"`
	Upstream   Upstream    `yaml:"upstream"`
	Definition *Definition `yaml:"definition"` // what validate compares with; nil: none
	Resources  []Resource  `yaml:"resources"`  // nil: every path and method
	Scopes     []Scope     `yaml:"scopes"`
	Policies   Policies    `yaml:"policies"`
	Tags       []string    `yaml:"tags"` // what global policies know it by
	// ProtectedResource tells OAuth clients about the API; nil: nothing does.
	ProtectedResource *ProtectedResource `yaml:"protected_resource"`
}

// FullName is name/version, or the name of an API without versions: what logs,
// metrics and registrations call it.
func (a *API) FullName() string {
	if a.Version == "" {
		return a.Name
	}
	return a.Name + "/" + a.Version
}

// Paths are exceptions from what a path may hold.
type Paths struct {
	EncodedSlash string `yaml:"encoded_slash"` // reject (default) or keep
}

// Resource is a path template with its methods.
type Resource struct {
	Path    string   `yaml:"path"`    // literals, {name} segments, /** at the end
	Methods []string `yaml:"methods"` // empty: every method
	Scopes  []string `yaml:"scopes"`  // names of API.Scopes
}

// Scope is a group of policies for some resources, on top of the API's.
type Scope struct {
	Name     string   `yaml:"name"`
	Policies Policies `yaml:"policies"`
}
