package metrics

import "time"

// Sources are what other rooms know; they are asked at each scrape and must be
// safe for concurrent use. A nil function leaves its series out.
type Sources struct {
	Version      string       // of the program; "": not said
	InFlight     func() int64 // exchanges that run
	Connections  func() int64 // connections of callers that are open
	TokenCache   func() TokenCache
	Reload       func() Reload
	KeySets      func() []KeySet
	Certificates func() []Certificate
	Upstreams    func() map[string]Upstream // by API
	Store        func() (up, stated bool)   // whether copies share one, and can ask it
	Hostnames    func() int                 // addresses whose host names are kept
	Limits       func() Limits
	Crowds       func() []Crowd
	Events       func() []EventDestination
	Caches       func() []Cache
	Routed       func() []Routed
}

// TokenCache is how the verified-token cache fares. Hits, misses and evictions
// only grow.
type TokenCache struct {
	Hits      uint64 `json:"hits"`
	Misses    uint64 `json:"misses"`
	Entries   int64  `json:"entries"`
	Bytes     int64  `json:"bytes"`
	Evictions uint64 `json:"evictions"` // for want of room
}

// Reload is how bringing configurations to the gateway fares.
type Reload struct {
	Success     bool      // the last attempt
	LastSuccess time.Time // zero: none yet
	Hash        string    // of the running configuration; "": none
	Generation  uint64    // of the running configuration
	Applied     uint64    // attempts that succeeded
	Refused     uint64    // attempts that did not
}

// write asks the sources and writes what they say.
func (s *Sources) write(p *page) {
	if s.Version != "" {
		f := family{"postern_build_info", "gauge", "1, with the version of the program."}
		p.begin(f)
		p.value(f, label("version", s.Version), 1)
	}
	if f := s.InFlight; f != nil {
		p.one(family{"postern_requests_in_flight", "gauge", "Requests that are being served."}, float64(f()))
	}
	if f := s.Connections; f != nil {
		p.one(family{"postern_connections_open", "gauge", "Connections of callers."}, float64(f()))
	}
	if f := s.TokenCache; f != nil {
		f().write(p)
	}
	if f := s.Reload; f != nil {
		f().write(p)
	}
	if f := s.KeySets; f != nil {
		writeKeySets(p, f())
	}
	if f := s.Hostnames; f != nil {
		p.one(family{"postern_hostname_cache_entries", "gauge", "Addresses whose host names are known, or known to be missing."}, float64(f()))
	}
	if f := s.Limits; f != nil {
		writeLimits(p, f())
	}
	if f := s.Crowds; f != nil {
		writeCrowds(p, f())
	}
	if f := s.Events; f != nil {
		writeEvents(p, f())
	}
	if f := s.Caches; f != nil {
		writeCaches(p, f())
	}
	if f := s.Routed; f != nil {
		writeRouted(p, f())
	}
	if f := s.Certificates; f != nil {
		writeCertificates(p, f())
	}
}

func (c TokenCache) write(p *page) {
	p.one(family{"postern_token_cache_hits_total", "counter", "Tokens that had been verified before."}, float64(c.Hits))
	p.one(family{"postern_token_cache_misses_total", "counter", "Tokens that had not been verified before, or were no longer kept."}, float64(c.Misses))
	p.one(family{"postern_token_cache_evictions_total", "counter", "Verified tokens dropped for want of room."}, float64(c.Evictions))
	p.one(family{"postern_token_cache_entries", "gauge", "Verified tokens that are kept."}, float64(c.Entries))
	p.one(family{"postern_token_cache_bytes", "gauge", "Memory that the kept tokens take."}, float64(c.Bytes))
}

// write uses the names that alerts for other programs already know.
func (r Reload) write(p *page) {
	when := 0.0
	if !r.LastSuccess.IsZero() {
		when = float64(r.LastSuccess.Unix())
	}
	p.one(family{"postern_config_last_reload_successful", "gauge", "1 when the last attempt to load the configuration succeeded."}, boolean(r.Success))
	p.one(family{"postern_config_last_reload_success_timestamp_seconds", "gauge", "When the configuration was last found good."}, when)
	attempts := family{"postern_config_reloads_total", "counter", "Attempts to load a changed configuration."}
	p.begin(attempts)
	p.count(attempts, label("outcome", "applied"), r.Applied)
	p.count(attempts, label("outcome", "refused"), r.Refused)
	p.one(family{"postern_config_generation", "gauge", "Which configuration since the start runs."}, float64(r.Generation))
	if r.Hash != "" {
		info := family{"postern_config_info", "gauge", "1, with the hash of the running configuration without its secrets."}
		p.begin(info)
		p.value(info, label("hash", r.Hash), 1)
	}
}
