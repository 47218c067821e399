package application

import "postern/provisioning/config"

// Registry is the applications of a configuration. It is used while a
// generation is built, by one goroutine.
type Registry struct {
	applications []*Application
	registered   map[string][]*Application // by what their apis name
	byID         map[string]*Application
	all          *Index // made when it is asked for
	// Faults are what cannot be compiled, by paths below applications.
	Faults config.Faults
}

// NewRegistry compiles the applications of a configuration that Validate has
// passed.
func NewRegistry(applications []config.Application) *Registry {
	r := &Registry{registered: map[string][]*Application{}, byID: make(map[string]*Application, len(applications))}
	compiled := expressions{}
	for i := range applications {
		a := newApplication(&applications[i])
		for j := range applications[i].Identify.Payload {
			p, err := compiled.payload(&applications[i].Identify.Payload[j])
			if err != nil {
				r.Faults = append(r.Faults, config.Below(err, i, "identify", "payload", j)...)
			}
			a.payloads = append(a.payloads, p)
		}
		r.applications = append(r.applications, a)
		r.byID[a.ID] = a
		for _, name := range applications[i].APIs {
			r.registered[name] = append(r.registered[name], a)
		}
	}
	return r
}

// All finds among all applications.
func (r *Registry) All() *Index {
	if r.all == nil {
		r.all = newIndex(r.applications)
	}
	return r.all
}

// Registered finds among those that are registered for an API.
func (r *Registry) Registered(api *config.API) *Index {
	known := map[*Application]bool{}
	var list []*Application
	for _, name := range []string{api.Name, api.FullName()} {
		for _, a := range r.registered[name] {
			if !known[a] {
				known[a] = true
				list = append(list, a)
			}
		}
	}
	return newIndex(list)
}
