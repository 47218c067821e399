package config

import (
	"slices"
	"time"
)

// Destination is where events go: exactly one of Log, File and Elasticsearch.
type Destination struct {
	Name          string         `yaml:"name"`
	Log           *EventLog      `yaml:"log"`
	File          *EventFile     `yaml:"file"`
	Elasticsearch *Elasticsearch `yaml:"elasticsearch"`
	Events        []string       `yaml:"events"` // those that it takes; default all
	Queue         Size           `yaml:"queue"`  // of events that wait; default 16MiB
}

// EventLog is the log of the gateway.
type EventLog struct {
	Level string `yaml:"level"` // of the lines: debug, info (default), warn, error
}

// EventFile is a file with a line for each event.
type EventFile struct {
	Path     Folder `yaml:"path"`
	MaxSize  Size   `yaml:"max_size"`  // from which on another is begun; default 100MiB
	MaxFiles int    `yaml:"max_files"` // that are kept, this one included; default 5
}

// Elasticsearch is what takes events in bulk as Elasticsearch and OpenSearch do.
type Elasticsearch struct {
	URL       string       `yaml:"url"`
	AllowHTTP bool         `yaml:"allow_http"` // http beyond loopback
	Index     string       `yaml:"index"`      // or data stream
	User      string       `yaml:"user"`
	Password  Secret       `yaml:"password"`
	APIKey    Secret       `yaml:"api_key"`
	TLS       *UpstreamTLS `yaml:"tls"`
	Batch     int          `yaml:"batch"`   // events that are sent at once; default 500
	Flush     Duration     `yaml:"flush"`   // how long a batch may wait to become full; default 1s
	Timeout   Duration     `yaml:"timeout"` // of one request; default 10s
	Retries   int          `yaml:"retries"` // of a batch, longer and longer apart; default 10
}

// LogName is the destination that is there without being stated: the log, at info.
const LogName = "log"

// EventKinds are the words of Destination.Events.
func EventKinds() []string {
	return []string{"transactional", "error", "policy_violation", "monitor", "lifecycle", "performance_metrics"}
}

func (d *Destination) setDefaults() {
	setDefault(&d.Queue, 16<<20)
	if d.Events == nil {
		d.Events = EventKinds()
	}
	if d.Log != nil {
		setDefault(&d.Log.Level, "info")
	}
	if f := d.File; f != nil {
		setDefault(&f.MaxSize, 100<<20)
		setDefault(&f.MaxFiles, 5)
	}
	if e := d.Elasticsearch; e != nil {
		setDefault(&e.Batch, 500)
		setDefault(&e.Flush, Duration(time.Second))
		setDefault(&e.Timeout, Duration(10*time.Second))
		setDefault(&e.Retries, 10)
		if e.TLS != nil {
			setDefault(&e.TLS.MinVersion, "1.2")
		}
	}
}

// AllDestinations are those that are stated, and the log.
func (c *Config) AllDestinations() []Destination {
	if slices.ContainsFunc(c.Destinations, func(d Destination) bool { return d.Name == LogName }) {
		return c.Destinations
	}
	log := Destination{Name: LogName, Log: new(EventLog)}
	log.setDefaults()
	return append(slices.Clip(c.Destinations), log)
}

// LogsEvents reports whether events go to the destination LogName.
func (c *Config) LogsEvents() bool {
	for l := range c.AllLevels() {
		for _, log := range l.Policies.InvocationLog {
			if slices.Contains(log.Destinations, LogName) {
				return true
			}
		}
		for _, m := range l.Policies.Monitor {
			if slices.Contains(m.Report, LogName) {
				return true
			}
		}
	}
	return false
}
