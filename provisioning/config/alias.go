package config

import (
	"slices"
	"strings"
)

// Alias is a name for a text, an address or credentials that stand elsewhere as
// ${name}: below apis and policies, where it has been replaced when a Config is
// read. Archives resolve theirs by it, too.
type Alias struct {
	Name              string
	Type              string           `yaml:"type"`                           // simple (default), endpoint or httpTransportSecurityAlias
	Value             string           `yaml:"value"`                          // of a simple one
	EndPointURI       string           `yaml:"endPointURI"`                    // of an endpoint
	ConnectionTimeout int              `yaml:"connectionTimeout" allow:"zero"` // of an endpoint, in seconds; 0: the upstream's own
	ReadTimeout       int              `yaml:"readTimeout" allow:"zero"`       // likewise
	Credentials       AliasCredentials `yaml:"httpAuthCredentials"`
}

// AliasCredentials are those of basic authentication.
type AliasCredentials struct {
	User     string `yaml:"userName"`
	Password Secret `yaml:"password"`
}

// The types of aliases.
const (
	SimpleAlias      = "simple"
	EndpointAlias    = "endpoint"
	CredentialsAlias = "httpTransportSecurityAlias"
)

// variables are names that ${…} has for something else.
var variables = []string{"apiName", "apiVersion", "operationName", "inboundHttpMethod"}

// Text is what ${name} stands for; "" of credentials.
func (a *Alias) Text() string {
	switch a.Type {
	case EndpointAlias:
		return a.EndPointURI
	case CredentialsAlias:
		return ""
	}
	return a.Value
}

func (v *checker) aliases(aliases []Alias) {
	for i := range aliases {
		a := &aliases[i]
		path := []any{"aliases", a.Name}
		if slices.Contains(variables, a.Name) || a.Name == "" || strings.ContainsAny(a.Name, "${}.:[]") {
			v.add(path, "%q cannot be the name of an alias: it is a variable's, or empty, or holds one of ${}.:[]", a.Name)
		}
		v.oneOf(at(path, "type"), a.Type, SimpleAlias, EndpointAlias, CredentialsAlias)
		switch {
		case a.Type == SimpleAlias && a.Value == "":
			v.add(at(path, "value"), "missing")
		case a.Type == EndpointAlias && a.EndPointURI == "":
			v.add(at(path, "endPointURI"), "missing")
		case a.Type == CredentialsAlias && (a.Credentials.User == "" || a.Credentials.Password.IsZero()):
			v.add(at(path, "httpAuthCredentials"), "missing: {userName: ..., password: ...}")
		}
	}
}
