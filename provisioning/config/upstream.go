package config

// Upstream is where an API's requests go.
type Upstream struct {
	Targets        []Target        `yaml:"targets"`
	Balance        Balance         `yaml:"balance"`                   // default round_robin
	Host           string          `yaml:"host"`                      // Host sent: target (default), caller, or a name
	StripPrefix    *bool           `yaml:"strip_prefix"`              // default true
	ConnectTimeout Duration        `yaml:"connect_timeout"`           // default 2s
	Timeout        Duration        `yaml:"timeout" allow:"none"`      // until the response's head; default 30s
	IdleTimeout    Duration        `yaml:"idle_timeout" allow:"none"` // between two reads or writes of a body; default 60s
	MaxDuration    Duration        `yaml:"max_duration" allow:"none"` // of a whole exchange; default None
	Resolve        Duration        `yaml:"resolve"`                   // how often the names of targets are looked up; default 30s
	MaxConnections int             `yaml:"max_connections"`           // to one target; default: no limit
	MaxIdle        int             `yaml:"max_idle"`                  // connections to one target that may wait; default: no limit
	KeepIdle       Duration        `yaml:"keep_idle"`                 // how long they wait; default 30s
	MaxPending     int             `yaml:"max_pending"`               // requests at once; default: no limit
	Queue          *Queue          `yaml:"queue"`
	SlowStart      Duration        `yaml:"slow_start" allow:"none"` // until a target that comes back has its whole share; default None
	Health         *Health         `yaml:"health"`
	Ejection       *Ejection       `yaml:"ejection"` // filled in by SetDefaults where there are several targets
	Retry          *Retry          `yaml:"retry"`
	CircuitBreaker *CircuitBreaker `yaml:"circuit_breaker"`
	TLS            *UpstreamTLS    `yaml:"tls"`
	Upgrade        *Upgrade        `yaml:"upgrade"` // filled in by SetDefaults: WebSocket
}

// Target is one address of an upstream: scheme, host, port and a path prefix.
type Target struct {
	URL    string `yaml:"url"`
	Weight int    `yaml:"weight"` // its share of the requests, at most 100; default 1
}

// The ways to choose a target.
const (
	RoundRobin   = "round_robin"
	LeastPending = "least_pending"
	RandomTwo    = "random_two"
	ByHash       = "hash"
)

// Balance says which target takes a request: a word, or a hash of something in
// the request, so that equal ones go to the same target.
type Balance struct {
	Method string // one of the constants above
	By     string // with ByHash: ip, header:NAME, cookie:NAME or claim:NAME
}

// Queue lets requests wait that are more than max_pending.
type Queue struct {
	Size int      `yaml:"size"` // how many may wait; default 100
	Wait Duration `yaml:"wait"` // and for how long; default 1s
}

// Health asks every target, beside the requests, whether it is well.
type Health struct {
	Path      string   `yaml:"path"`      // asked for on the target's host, with its query
	Interval  Duration `yaml:"interval"`  // default 5s
	Timeout   Duration `yaml:"timeout"`   // of one check, connecting included; default 2s
	Healthy   int      `yaml:"healthy"`   // good answers in a row until a target is well again; default 2
	Unhealthy int      `yaml:"unhealthy"` // bad ones until it is not; default 3
	Status    []int    `yaml:"status"`    // good ones; default: every 2xx
}

// Ejection takes a target out of turn for a while when requests to it fail one
// after the other.
type Ejection struct {
	None     bool     // the word "none"
	Failures int      `yaml:"failures"` // in a row; default 5
	On       []string `yaml:"on"`       // what a failure is, see Triggers; default connect, reset, timeout, 502, 503, 504
	Base     Duration `yaml:"base"`     // how long the first time; default 10s
	Max      Duration `yaml:"max"`      // twice as long each time it fails again at once, up to this; default 5m
	Floor    Ratio    `yaml:"floor"`    // the part of all targets that stays in turn; default 0.5
}

// Retry sends a request again that a target has failed.
type Retry struct {
	Attempts   int      `yaml:"attempts"`                 // in all, the first included; default 2
	On         []string `yaml:"on"`                       // which failures, see Triggers; default connect, reset, 502, 503
	Budget     Ratio    `yaml:"budget"`                   // retries for each request, on average; default 0.2
	TryTimeout Duration `yaml:"try_timeout" allow:"none"` // of one attempt, within timeout; default None
}

// CircuitBreaker sends a target nothing for a while when requests to it fail one
// after the other, and then a single one as a trial.
type CircuitBreaker struct {
	Failures int      `yaml:"failures"` // in a row; default 5
	Open     Duration `yaml:"open"`     // until the trial; default 10s
}

// Triggers are the words for failures: a connection that could not be opened,
// one that broke or brought something other than HTTP before an answer's head,
// and a head that did not come in time. A status of 500 to 599 stands for
// itself.
func Triggers() []string { return []string{"connect", "reset", "timeout"} }

// UpstreamTLS is how targets are spoken to over https. Their certificates are
// always verified.
type UpstreamTLS struct {
	CA          File   `yaml:"ca"`          // PEM; default: the system's
	Certificate File   `yaml:"certificate"` // client certificate, PEM
	Key         File   `yaml:"key"`
	ServerName  string `yaml:"server_name"` // default: the target's host
	MinVersion  string `yaml:"min_version"` // "1.2" (default) or "1.3"
}
