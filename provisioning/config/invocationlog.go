package config

import "slices"

// InvocationLog lets destinations have an event for each request.
type InvocationLog struct {
	Destinations []string `yaml:"destinations"` // names; default [log]
	When         string   `yaml:"when"`         // always (default), success, failure
	// Request and Response say what of them is stored; nil: neither fields nor body.
	Request  *LoggedMessage `yaml:"request"`
	Response *LoggedMessage `yaml:"response"`
	// Messages are whose: client, what the caller has sent and was sent; server,
	// what the upstream was sent and has sent. Default [client].
	Messages []string `yaml:"messages"`
	MaxBody  Size     `yaml:"max_body"` // of a body that is stored; what is longer is cut off; default 64KiB
	Compress bool     `yaml:"compress"` // bodies are stored as gzip, in base64
}

// LoggedMessage says what of a message is stored.
type LoggedMessage struct {
	Headers bool `yaml:"headers"`
	Body    bool `yaml:"body"`
}

func (l *InvocationLog) setDefaults() {
	if l.Destinations == nil {
		l.Destinations = []string{LogName}
	}
	setDefault(&l.When, "always")
	setDefault(&l.MaxBody, 64<<10)
	if l.Messages == nil {
		l.Messages = []string{"client"}
	}
}

func (v *checker) invocationLog(c *Config, l Level) {
	for i := range l.Policies.InvocationLog {
		log, path := &l.Policies.InvocationLog[i], l.At("invocationlog", i)
		v.eventsTo(c, at(path, "destinations"), log.Destinations)
		v.oneOf(at(path, "when"), log.When, "always", "success", "failure")
		for j, word := range log.Messages {
			v.oneOf(at(path, "messages", j), word, "client", "server")
		}
		if log.MaxBody > c.Limits.BufferedBody {
			v.add(at(path, "max_body"), "must not be above limits.buffered_body (%d bytes)", c.Limits.BufferedBody)
		}
		if log.Compress && !log.storesBody() {
			v.add(at(path, "compress"), "unused: no body is stored")
		}
		if log.Request != nil && log.Request.Body && c.readsCallers(l) {
			v.add(at(path, "request", "body"), "would store what identifies callers: identify looks for it in bodies")
		}
	}
}

func (l *InvocationLog) storesBody() bool {
	return l.Request != nil && l.Request.Body || l.Response != nil && l.Response.Body
}

// readsCallers reports whether callers of an API that l is for are found by what
// their bodies hold.
func (c *Config) readsCallers(l Level) bool {
	for i := range c.APIs {
		levels := c.Levels(i, "", nil)
		for j := range c.APIs[i].Scopes {
			levels = append(levels, Level{&c.APIs[i].Scopes[j].Policies, nil})
		}
		if !slices.ContainsFunc(levels, func(other Level) bool { return other.Policies == l.Policies }) {
			continue
		}
		if slices.ContainsFunc(levels, func(other Level) bool {
			id := other.Policies.Identify
			return id != nil && id.Uses("payload")
		}) {
			return true
		}
	}
	return false
}

// logsInvocations reports whether requests are told of, queries included.
func (c *Config) logsInvocations() bool {
	for l := range c.AllLevels() {
		if len(l.Policies.InvocationLog) > 0 {
			return true
		}
	}
	return false
}
