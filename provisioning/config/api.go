package config

// API is one API: where it is found, where it goes, and by which rules. After
// SetDefaults its hosts are in lower case.
type API struct {
	Name      string     `yaml:"name"`      // of one API and version; a segment of its path
	Version   string     `yaml:"version"`   // a segment of its path; the latest version answers without it too
	Hosts     []string   `yaml:"hosts"`     // exact or "*.suffix", in any case; absent: every host
	BasePath  string     `yaml:"base_path"` // replaces <api_endpoint.base_path>/<name>[/<version>]; "/" takes what is left
	Paths     Paths      `yaml:"paths"`     // what its paths may hold
	Upstream  Upstream   `yaml:"upstream"`  // where its requests go
	Resources []Resource `yaml:"resources"` // absent: every path and method; present: nothing else exists
	Scopes    []Scope    `yaml:"scopes"`    // policies for some of its resources
	Policies  Policies   `yaml:"policies"`  // the rules of all its resources
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
	Methods []string `yaml:"methods"` // absent: every method
	Scopes  []string `yaml:"scopes"`  // names of scopes of the API
}

// Scope is a group of policies for some resources, on top of the API's.
type Scope struct {
	Name     string   `yaml:"name"`     // which resources name
	Policies Policies `yaml:"policies"` // on top of the API's
}
