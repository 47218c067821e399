package authorize

import (
	"slices"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// whose asks which user the caller is: by name, by groups, by access profiles.
type whose struct {
	either bool // one of the questions is enough; otherwise all must hold
	asked  []question
}

type question struct {
	grant
	lacks string // what the log says of who does not have it
}

func newWhose(cfg *config.Authorize, profiles map[string][]string) whose {
	w := whose{either: cfg.Combine == "or"}
	if cfg.Users != nil {
		has := func(c *exchange.Caller, name string) bool { return c.User == name }
		w.asked = append(w.asked, question{grant{any: cfg.Users.Any, has: has}, "caller is none of the users"})
	}
	if cfg.Groups != nil {
		w.asked = append(w.asked, question{newGroups(cfg.Groups), "caller lacks a group"})
	}
	if cfg.AccessProfiles != nil {
		var groups []string
		for _, name := range cfg.AccessProfiles.Any {
			groups = append(groups, profiles[name]...)
		}
		w.asked = append(w.asked, question{grant{any: groups, has: inGroup}, "caller lacks an access profile"})
	}
	return w
}

// lacks is what the caller does not have; "" when it may pass.
func (w *whose) lacks(c *exchange.Caller) (lacks string) {
	for i := range w.asked {
		ok := w.asked[i].to(c)
		switch {
		case ok && w.either:
			return ""
		case !ok && !w.either:
			return w.asked[i].lacks
		case !ok:
			lacks = w.asked[i].lacks
		}
	}
	return lacks
}

func inGroup(c *exchange.Caller, group string) bool { return slices.Contains(c.Groups, group) }

// newGroups asks for the user's groups, or those in a claim.
func newGroups(cfg *config.Groups) grant {
	if cfg.Claim == "" {
		return grant{cfg.All, cfg.Any, inGroup}
	}
	path := claim.Parse(cfg.Claim)
	has := func(c *exchange.Caller, word string) bool {
		v, ok := path.Find(c.Claims)
		return ok && claim.Contains(v, word)
	}
	return grant{cfg.All, cfg.Any, has}
}
