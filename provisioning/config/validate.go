package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxFaults bounds a list that nobody reads to its end.
const maxFaults = 10000

// checker collects the faults of one Validate.
type checker struct {
	faults   Faults
	hasStore bool // there is a store that copies share
}

// add reports a fault at path. The path is copied, so callers may extend it.
func (c *checker) add(path []any, format string, args ...any) {
	if len(c.faults) >= maxFaults {
		return
	}
	c.faults = append(c.faults, Fault{Path: slices.Clone(path), Message: fmt.Sprintf(format, args...)})
}

// warn reports what is allowed and probably not meant.
func (c *checker) warn(path []any, format string, args ...any) {
	before := len(c.faults)
	if c.add(path, format, args...); len(c.faults) > before {
		c.faults[before].Warning = true
	}
}

// clash reports that path contradicts what stands at also.
func (c *checker) clash(path, also []any, format string, args ...any) {
	before := len(c.faults)
	if c.add(path, format, args...); len(c.faults) > before {
		c.faults[before].Also = slices.Clone(also)
	}
}

// warnClash reports that path and also may both be meant, and together not.
func (c *checker) warnClash(path, also []any, message string) {
	before := len(c.faults)
	if c.clash(path, also, "%s", message); len(c.faults) > before {
		c.faults[before].Warning = true
	}
}

// oneOf reports a word that is not among the allowed ones.
func (c *checker) oneOf(path []any, word string, allowed ...string) {
	if !slices.Contains(allowed, word) {
		c.add(path, "%q is not one of %s%s", word, list(allowed), DidYouMean(word, allowed))
	}
}

// at extends a path by steps, never sharing memory with it.
func at(path []any, steps ...any) []any { return append(slices.Clip(path), steps...) }

// Validate returns every fault and warning of a bundle whose defaults are
// filled in. It changes nothing and looks at nothing else.
func (c *Config) Validate() Faults {
	v := new(checker)
	v.ports(c)
	v.tls(c)
	v.limits(c.Limits)
	v.adminAPI(c)
	v.logging(c)
	v.tracing(c)
	v.hostnames(c.Hostnames)
	v.store(c.Store)
	v.destinations(c)
	v.aliases(c.Aliases)
	if base := *c.APIEndpoint.BasePath; base != "" {
		v.basePath([]any{"api_endpoint", "base_path"}, base)
	}
	if c.Tokens.Denylist != nil {
		v.denylist([]any{"tokens", "denylist"}, c.Tokens.Denylist)
	}
	if c.Faults != nil {
		v.faultPolicy([]any{"faults"}, c.Faults)
	}
	servers := known(c.AuthServers)
	v.authServers(c.AuthServers)
	v.users(c)
	v.passwords(c)
	v.authorizeUsers(c)
	v.applications(c, servers)
	v.apis(c, servers)
	v.protectedResources(c)
	if h := c.ClientCertificateHeader; h != "" {
		v.certificateHeader([]any{"client_certificate_header"}, h, len(c.TrustedProxies) > 0)
	}
	return v.faults
}

func (v *checker) logging(c *Config) {
	l := c.Logging
	v.oneOf([]any{"logging", "level"}, l.Level, "debug", "info", "warn", "error")
	v.oneOf([]any{"logging", "format"}, l.Format, "json", "combined")
	if len(l.Mask) > 0 && !l.Query && !c.logsInvocations() {
		v.warn([]any{"logging", "mask"}, "unused: logging.query is off, so no query is logged")
	}
}

func (v *checker) ports(c *Config) {
	if c.Ports.HTTP == "" && c.Ports.HTTPS == "" {
		v.add([]any{"ports"}, "neither http nor https is on, so no request can come in")
	}
	if c.Ports.HTTPS != "" && c.TLS == nil {
		v.add([]any{"ports", "https"}, "https needs tls.certificates")
	}
	if sameListener(string(c.Ports.HTTP), string(c.Ports.HTTPS)) {
		v.clash([]any{"ports", "https"}, []any{"ports", "http"}, "http listens on the same port")
	}
}

func (v *checker) tls(c *Config) {
	if c.TLS == nil {
		return
	}
	if c.Ports.HTTPS == "" {
		v.warn([]any{"tls"}, "unused: ports.https is off")
	}
	if c.TLS.SelfSigned && len(c.TLS.Certificates) > 0 {
		v.clash([]any{"tls", "self_signed"}, []any{"tls", "certificates"}, "there are certificates already")
	}
	if len(c.TLS.Certificates) == 0 && !c.TLS.SelfSigned {
		v.add([]any{"tls", "certificates"}, "missing: https needs a certificate and its key")
	}
	for i, pair := range c.TLS.Certificates {
		path := []any{"tls", "certificates", i}
		if pair.Certificate.IsZero() {
			v.add(at(path, "certificate"), "missing")
		}
		if pair.Key.IsZero() {
			v.add(at(path, "key"), "missing")
		}
	}
	if c.TLS.ClientAuth == "" {
		return
	}
	v.oneOf([]any{"tls", "client_auth"}, c.TLS.ClientAuth, "request", "require")
	if c.TLS.ClientCA.IsZero() {
		v.add([]any{"tls", "client_auth"}, "needs client_ca, against which client certificates are verified")
	}
}

func (v *checker) limits(l Limits) {
	if l.HeaderSize < 1<<10 || l.HeaderSize > 1<<20 {
		v.add([]any{"limits", "header_size"}, "must lie between 1KiB and 1MiB")
	}
	if l.BodyMemory < l.BufferedBody {
		v.add([]any{"limits", "body_memory"}, "must not be below buffered_body (%d bytes): no body of that size could be held", l.BufferedBody)
	}
	switch path := []any{"limits", "per_ip", "connections"}; {
	case l.PerIP == nil:
	case l.PerIP.Connections == 0:
		v.add(path, "missing: how many connections one address may have")
	case l.PerIP.Connections >= l.Connections:
		v.add(path, "must be below limits.connections (%d), or it limits nothing", l.Connections)
	}
}

func (v *checker) adminAPI(c *Config) {
	a := c.AdminAPI
	listen, err := netip.ParseAddrPort(a.Listen)
	if err != nil {
		v.add([]any{"admin_api", "listen"}, "%q is not ip:port, such as 127.0.0.1:9485", a.Listen)
	} else if !listen.Addr().IsLoopback() && a.User == "" {
		v.add([]any{"admin_api", "listen"}, "%s is reachable from beyond this host: user and password are required", a.Listen)
	}
	for _, port := range []struct {
		name    string
		address Address
	}{{"http", c.Ports.HTTP}, {"https", c.Ports.HTTPS}} {
		if sameListener(a.Listen, string(port.address)) {
			v.clash([]any{"admin_api", "listen"}, []any{"ports", port.name}, "ports.%s listens on the same port", port.name)
		}
	}
	if a.User != "" && a.Password.IsZero() {
		v.add([]any{"admin_api", "password"}, "missing: user needs one")
	}
	if a.User == "" && !a.Password.IsZero() {
		v.add([]any{"admin_api", "user"}, "missing: password needs one")
	}
	if !validUser(a.User) {
		v.add([]any{"admin_api", "user"}, "%q holds a colon or a control character, which basic authentication cannot carry", a.User)
	}
	v.adminPath(a)
}

func (v *checker) adminPath(a AdminAPI) {
	path := []any{"admin_api", "admin_path"}
	v.basePath(path, a.AdminPath)
	for _, taken := range []string{"/livez", "/readyz", "/metrics", "/debug"} {
		if within(a.AdminPath, taken) {
			v.add(path, "%s is taken", taken)
		}
	}
	if a.AdminPath == "/" {
		v.add(path, "must not be the whole listener")
	}
	if a.OnTrafficPort && a.User == "" {
		v.warn([]any{"admin_api", "on_traffic_port"}, "without a user every caller can see the status and the names of the APIs")
	}
}

// sameListener reports whether two listen addresses would take the same port.
func sameListener(a, b string) bool {
	x, okX := listener(a)
	y, okY := listener(b)
	if !okX || !okY || x.Port() != y.Port() || x.Port() == 0 {
		return false
	}
	return x.Addr() == y.Addr() || x.Addr().IsUnspecified() || y.Addr().IsUnspecified()
}

func listener(address string) (netip.AddrPort, bool) {
	if len(address) > 0 && address[0] == ':' {
		address = "[::]" + address
	}
	a, err := netip.ParseAddrPort(address)
	return a, err == nil
}

func validUser(user string) bool {
	return !slices.ContainsFunc([]byte(user), func(b byte) bool { return b == ':' || b < ' ' || b == 0x7f })
}

// certificateHeader checks the field in which proxies show certificates.
func (v *checker) certificateHeader(path []any, name string, proxies bool) {
	lower := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch {
	case !isToken(name):
		v.add(path, "%q is not a header name", name)
	case slices.Contains(ownHeaders, lower) || strings.HasPrefix(lower, "content-"):
		v.add(path, "%s is not for certificates", name)
	case !proxies:
		v.warn(path, "no address is in trusted_proxies, so nobody is believed about certificates")
	}
}
