package admin

import (
	"time"

	"postern/gateway/metrics"
	"postern/provisioning/config"
	"postern/provisioning/shown"
)

// Running is what only the running gateway knows of itself. It is shown as it
// is, so it must hold no secret.
type Running struct {
	Started     time.Time `json:"started"`
	InFlight    int64     `json:"in_flight"`
	Connections int64     `json:"connections"`
	Reload      Reload    `json:"reload"`
	AuthServers any       `json:"auth_servers,omitempty"` // key sets, as introspect tells them
	Store       any       `json:"store,omitempty"`        // that copies share, as it tells of itself
}

// Reload is the outcome of the last attempt to bring in a configuration, and
// what runs.
type Reload struct {
	Success     bool      `json:"success"`
	When        time.Time `json:"when,omitzero"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Hash        string    `json:"hash,omitempty"` // of the running configuration, see Hash
	Generation  uint64    `json:"generation"`     // counts the applied ones
	Since       time.Time `json:"since,omitzero"` // when the running one was applied
	Applied     uint64    `json:"applied"`        // attempts since the start
	Refused     uint64    `json:"refused"`
	Report      []string  `json:"report,omitempty"`   // why the last attempt failed, a fault a line
	Warnings    []string  `json:"warnings,omitempty"` // of the running configuration
	Files       []string  `json:"files,omitempty"`    // read or looked for, and watched
	// LastFailure stays after a later success.
	LastFailure *Failure `json:"last_failure,omitempty"`
}

// Failure is an attempt that failed.
type Failure struct {
	When   time.Time `json:"when"`
	Report []string  `json:"report"` // a fault a line
}

// Status is the answer of <admin_path>/status.
type Status struct {
	Active  bool     `json:"active"` // ready for requests
	Reasons []string `json:"reasons,omitempty"`
	Version string   `json:"version"`
	Running
	Traffic metrics.Traffic `json:"traffic"`
	APIs    []APIStatus     `json:"apis"`
}

// APIStatus is one API as it is served.
type APIStatus struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	BasePath string   `json:"base_path"` // the prefix of its paths, with its version
	Hosts    []string `json:"hosts,omitempty"`
	Upstream []string `json:"upstream"`
	// Targets is how the addresses of Upstream stand, in their order.
	Targets  []metrics.Target `json:"targets,omitempty"`
	Policies []string         `json:"policies"`
}

// PublicStatus is what a stranger learns of the status.
type PublicStatus struct {
	Active  bool     `json:"active"`
	Version string   `json:"version"`
	APIs    []string `json:"apis"` // name/version
}

func (s Sources) status(cfg *config.Config) Status {
	reasons := s.Ready()
	apis := make([]APIStatus, len(cfg.APIs))
	var upstreams map[string]metrics.Upstream
	if s.Upstreams != nil {
		upstreams = s.Upstreams()
	}
	for i := range cfg.APIs {
		apis[i] = apiStatus(cfg, i)
		apis[i].Targets = upstreams[cfg.APIs[i].FullName()].Targets
	}
	return Status{
		Active: len(reasons) == 0, Reasons: reasons, Version: s.Version,
		Running: s.Running(), Traffic: s.Traffic(), APIs: apis,
	}
}

func (s Sources) publicStatus(cfg *config.Config) PublicStatus {
	names := make([]string, len(cfg.APIs))
	for i := range cfg.APIs {
		names[i] = cfg.APIs[i].Name + "/" + cfg.APIs[i].Version
	}
	return PublicStatus{Active: len(s.Ready()) == 0, Version: s.Version, APIs: names}
}

func apiStatus(cfg *config.Config, index int) APIStatus {
	api := &cfg.APIs[index]
	targets := make([]string, len(api.Upstream.Targets))
	for i, target := range api.Upstream.Targets {
		targets[i] = shown.Address(target.URL)
	}
	return APIStatus{
		Name:     api.Name,
		Version:  api.Version,
		BasePath: api.Prefix(*cfg.APIEndpoint.BasePath),
		Hosts:    api.Hosts,
		Upstream: targets,
		Policies: cfg.PolicyNames(index),
	}
}
