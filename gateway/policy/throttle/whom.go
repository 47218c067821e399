package throttle

import (
	"slices"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// whom says whose requests a rule counts, and how many it allows them.
type whom struct {
	all    *allowance
	counts func(id string) bool  // of applications; nil: all, and callers without one
	except map[string]*allowance // by ids; nil: without limit
}

func newWhom(cfg *config.Throttle, o Options) whom {
	w := whom{all: newAllowance(cfg, o.ID, cfg.Requests), counts: counting(cfg, o)}
	if len(cfg.Except) == 0 {
		return w
	}
	w.except = make(map[string]*allowance, len(cfg.Except))
	for _, e := range cfg.Except {
		var own *allowance
		if e.Requests > 0 {
			own = newAllowance(cfg, o.ID, e.Requests)
		}
		for id := range ids(o.Applications, []string{e.Application}) {
			w.except[id] = own
		}
	}
	return w
}

// quota is what is allowed to a caller, nil when it is not limited; own is the id
// of an application that is counted by itself, whatever the rule counts by.
func (w *whom) quota(app *exchange.Application) (a *allowance, own string) {
	if w.counts != nil && !w.counts(app.ID) {
		return nil, ""
	}
	if len(w.except) > 0 && app.ID != "" {
		if a, excepted := w.except[app.ID]; excepted {
			return a, app.ID
		}
	}
	return w.all, ""
}

// counting is whose requests count; nil: everybody's.
func counting(cfg *config.Throttle, o Options) func(id string) bool {
	switch cfg.Applications.Word {
	case "all":
		return nil
	case "":
		named := ids(o.Applications, cfg.Applications.Names)
		return func(id string) bool { return named[id] }
	}
	registered := map[string]bool{}
	for i := range o.Applications {
		if a := &o.Applications[i]; a.RegisteredFor(o.API) {
			registered[a.ID] = true
		}
	}
	want := cfg.Applications.Word == "registered"
	return func(id string) bool { return registered[id] == want }
}

// ids are those of the applications that go by these names or ids.
func ids(applications []config.Application, names []string) map[string]bool {
	found := map[string]bool{}
	for i := range applications {
		if a := &applications[i]; slices.Contains(names, a.Name) || slices.Contains(names, a.ID) {
			found[a.ID] = true
		}
	}
	return found
}
