package archive

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Finding is something that an export does not say as we need it, or that we do
// not do as the product does.
type Finding struct {
	At      string `json:"at"`      // archive, API, policy, stage and template key, as far as they are known
	Message string `json:"message"` // what it means, and what to do
	// Rejected says that the asset is left out for it.
	Rejected bool `json:"rejected,omitempty"`
}

// String is the finding in one line.
func (f Finding) String() string {
	if f.Rejected {
		return f.At + ": left out: " + f.Message
	}
	return f.At + ": " + f.Message
}

// Converted is what exports say in our grammar.
type Converted struct {
	Bundle   []byte // YAML
	Findings []Finding
}

// Convert reads archives, folders of archives and unpacked exports, in their order:
// of what is in several of them the last one stands. The error is about what
// cannot be read at all.
func Convert(names ...string) (*Converted, error) {
	r := &reader{left: maxTotal}
	for _, name := range names {
		if err := r.read(name); err != nil {
			return nil, fmt.Errorf("read export %s: %w", filepath.Base(name), err)
		}
	}
	e, err := link(r.assets)
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	c := &converter{export: e}
	text, err := write(c.bundle())
	if err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	return &Converted{text, c.findings}, nil
}

// converter turns an export into a bundle.
type converter struct {
	*export
	findings []Finding
	// lost is a global policy that is left out: no API is served without it.
	lost string
}

func (c *converter) tell(at, format string, args ...any) {
	c.findings = append(c.findings, Finding{At: at, Message: fmt.Sprintf(format, args...)})
}

func (c *converter) reject(at, format string, args ...any) {
	c.findings = append(c.findings, Finding{At: at, Message: fmt.Sprintf(format, args...), Rejected: true})
}

// bundle is all of it, in the order in which a reader looks for things.
func (c *converter) bundle() mapping {
	var m mapping
	globals := c.globalEntries()
	apis := c.apiEntries()
	m.set("aliases", c.aliasEntries())
	m.set("auth_servers", c.authServerEntries())
	m.set("applications", c.applicationEntries())
	m.set("policies", globals)
	if len(apis) > 0 {
		m.set("faults", mapping{{key: "format", value: "webmethods"}}) // what callers are used to
	}
	m.set("apis", apis)
	for _, kind := range c.unread {
		c.tell(kind, "%s", unreadWhy[kind])
	}
	if len(m) == 0 {
		c.tell("export", "it holds no API and nothing that an API could need")
	}
	return m
}

// unreadWhy says what becomes of assets that are not converted.
var unreadWhy = map[string]string{
	"PassmanData":          "secrets are encrypted for the gateway they come from: state those that are asked for",
	"AdministratorSetting": "settings of the gateway are not taken over",
	"Keystore":             "key stores are not taken over: state local_introspection.certificate of the auth server",
	"Truststore":           "trust stores are not taken over: state upstream.tls.ca, or local_introspection.truststore",
	"User":                 "passwords of users are hashed in a way that is not known: state users",
	"Group":                "groups are not taken over: state them at users",
	"AccessProfile":        "access profiles are not taken over: state access_profiles",
}

// named is how reports call an asset: where it came from, and its name.
func named(from, name string) string {
	file, _, _ := strings.Cut(from, ": ")
	return file + ": " + name
}
