package config

// Tracing says how the gateway takes part in distributed traces (W3C Trace
// Context), and where its spans go.
type Tracing struct {
	Continue     string `yaml:"continue"`            // whose traces go on: always (default), trusted_proxies or never
	Sample       Ratio  `yaml:"sample" allow:"none"` // of the traces that begin here; default 1
	MaxPerSecond int    `yaml:"max_per_second"`      // samples beyond what trusted proxies ask for; default 100

	Endpoint    string         `yaml:"endpoint"`   // of a collector that takes OTLP over HTTP; "": no spans
	AllowHTTP   bool           `yaml:"allow_http"` // http beyond loopback
	CA          File           `yaml:"ca"`         // PEM; default: the system's
	Headers     []SecretHeader `yaml:"headers"`
	ServiceName string         `yaml:"service_name"` // default postern
	Timeout     Duration       `yaml:"timeout"`      // of one export with its repeats; default 10s
	Queue       int            `yaml:"queue"`        // spans that may wait; default 2048
}

// SecretHeader is a field of requests that the gateway makes.
type SecretHeader struct {
	Name  string `yaml:"name"`
	Value Secret `yaml:"value"`
}
