package config

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// asymmetric is every signature algorithm that needs no shared key.
var asymmetric = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// Default is a bundle that says nothing: no API, and a default everywhere.
func Default() *Config {
	c := new(Config)
	c.SetDefaults()
	return c
}

// SetDefaults fills in what was left out and brings what was said to its one
// canonical form. Doing it twice changes nothing.
func (c *Config) SetDefaults() {
	c.trust()
	c.Ports.setDefaults()
	if c.TLS != nil && !c.TLS.ClientCA.IsZero() {
		setDefault(&c.TLS.ClientAuth, "request")
	}
	c.Limits.setDefaults()
	setDefault(&c.Shutdown.Delay, None)
	setDefault(&c.Shutdown.Grace, Duration(30*time.Second))
	base := "/gateway"
	if c.APIEndpoint.BasePath != nil {
		base = strings.TrimSuffix(*c.APIEndpoint.BasePath, "/")
	}
	c.APIEndpoint.BasePath = &base
	setDefault(&c.AdminAPI.Listen, "127.0.0.1:9485")
	setDefault(&c.AdminAPI.AdminPath, "/rest/microgateway")
	c.Tokens.setDefaults()
	c.Passwords.setDefaults()
	c.importUsers()
	c.Logging.setDefaults()
	c.Hostnames.setDefaults()
	if c.Tracing != nil {
		c.Tracing.setDefaults()
	}
	if c.Store != nil && c.Store.Redis != nil {
		c.Store.Redis.setDefaults()
	}
	for i := range c.Destinations {
		c.Destinations[i].setDefaults()
	}
	for i := range c.AuthServers {
		c.AuthServers[i].setDefaults(c.Tokens.ClockSkew)
	}
	for i := range c.Applications {
		c.Applications[i].setDefaults()
	}
	for i := range c.Policies {
		throttleDefaults("global-"+strconv.Itoa(i+1)+"-", c.Policies[i].Policies.Throttle)
	}
	for i := range c.APIs {
		c.APIs[i].setDefaults()
	}
	for i := range c.Aliases {
		setDefault(&c.Aliases[i].Type, SimpleAlias)
	}
	for level := range c.AllLevels() {
		if id := level.Policies.Identify; id != nil && !id.None {
			id.setDefaults(c.AuthServers)
		}
	}
	if c.Faults != nil {
		c.Faults.setDefaults()
	}
	for l := range c.AllLevels() {
		l.Policies.setDefaults()
	}
}

func (p *Ports) setDefaults() {
	if p.HTTP == "" && p.HTTPS == "" {
		p.HTTP = ":4485"
	}
	if p.HTTP == NoAddress {
		p.HTTP = ""
	}
	if p.HTTPS == NoAddress {
		p.HTTPS = ""
	}
}

func (l *Limits) setDefaults() {
	setDefault(&l.HeaderSize, 16<<10)
	setDefault(&l.BufferedBody, 4<<20)
	setDefault(&l.BodyMemory, 64*l.BufferedBody)
	setDefault(&l.Connections, 10000)
	setDefault(&l.HeaderTimeout, Duration(5*time.Second))
	setDefault(&l.BodyTimeout, Duration(10*time.Second))
	setDefault(&l.BodyRate, 100)
	setDefault(&l.AnswerRate, 100)
	setDefault(&l.IdleTimeout, Duration(60*time.Second))
}

func (t *Tokens) setDefaults() {
	setDefault(&t.ClockSkew, Duration(30*time.Second))
	setDefault(&t.Cache.Entries, 100000)
	setDefault(&t.Cache.Size, 64<<20)
	setDefault(&t.Verifications, 4*runtime.GOMAXPROCS(0))
	setDefault(&t.Proofs.MaxAge, Duration(time.Minute))
	setDefault(&t.Proofs.Entries, 200_000)
	if t.Denylist != nil {
		t.Denylist.setDefaults()
	}
}

func (p *Passwords) setDefaults() {
	setDefault(&p.Verifications, runtime.GOMAXPROCS(0))
	setDefault(&p.MaxWait, Duration(time.Second))
	setDefault(&p.Cache.Entries, 10_000)
	setDefault(&p.Cache.TTL, Duration(10*time.Minute))
	setDefault(&p.Failures, 5)
	setDefault(&p.Pause, Duration(30*time.Second))
}

func (l *Logging) setDefaults() {
	l.Level = strings.ToLower(l.Level)
	setDefault(&l.Level, "info")
	setDefault(&l.Access, AccessAll)
	setDefault(&l.Format, "json")
}

func (t *Tracing) setDefaults() {
	setDefault(&t.Continue, "always")
	setDefault(&t.Sample, 1)
	setDefault(&t.MaxPerSecond, 100)
	setDefault(&t.ServiceName, "postern")
	setDefault(&t.Timeout, Duration(10*time.Second))
	setDefault(&t.Queue, 2048)
}

func (a *AuthServer) setDefaults(skew Duration) {
	if a.Remote != nil {
		a.Remote.setDefaults(a.Issuer.Value)
	}
	if a.Local == nil {
		return
	}
	if a.Local.ClockSkew == nil {
		a.Local.ClockSkew = &skew
	}
	if a.Local.Algorithms == nil && a.Local.SharedKey != nil {
		a.Local.Algorithms = []string{"HS256"}
	}
	if a.Local.Algorithms == nil {
		a.Local.Algorithms = slices.Clone(asymmetric)
	}
	if a.Local.Types == nil && slices.Contains(a.Local.Profile, profileRFC9068) {
		a.Local.Types = []string{"at+jwt"}
	}
	setDefault(&a.Local.MaxLifetime, None)
	if a.Local.Types == nil {
		a.Local.Types = []string{"JWT", "at+jwt"}
	}
	setDefault(&a.Local.Refresh, Duration(15*time.Minute))
	setDefault(&a.Local.UnknownKidInterval, Duration(30*time.Second))
	setDefault(&a.Local.MaxStale, Duration(24*time.Hour))
}

func (a *API) setDefaults() {
	for i, host := range a.Hosts {
		a.Hosts[i] = strings.ToLower(host)
	}
	if a.BasePath != "/" {
		a.BasePath = strings.TrimSuffix(a.BasePath, "/")
	}
	setDefault(&a.Paths.EncodedSlash, "reject")
	if d := a.Definition; d != nil && d.Resources && a.Resources == nil {
		a.Resources = d.resources()
	}
	a.Upstream.setDefaults()
	throttleDefaults("", a.Policies.Throttle)
	for i := range a.Scopes {
		throttleDefaults("scope-"+strconv.Itoa(i+1)+"-", a.Scopes[i].Policies.Throttle)
	}
}

func (a *Application) setDefaults() {
	lowerAll(a.Identify.Hostname)
	setDefault(&a.ID, a.Name)
	for i, origin := range a.Origins {
		a.Origins[i] = canonicalOrigin(origin)
	}
}

// setDefault gives *v the value it has when nothing was said.
func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}
