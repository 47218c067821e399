// Package application finds the application that a caller speaks for, by the
// claims of its verified token, or by what else identifies it. What may be looked
// for is compiled at load, so that ten thousand applications are found as fast as
// ten.
//
// registry.go knows the applications of a configuration and where they are
// registered; index.go and search.go find one of them by claims; exact.go,
// address.go, hostname.go and payload.go find those that have a key, a
// certificate, an address, a host name or something in their requests.
package application

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/provisioning/config"
)

// Why no application is found. The text is for the log only.
var (
	ErrNone      = errors.New("no application has the token's claims")
	ErrSeveral   = errors.New("the token's claims are those of several applications")
	ErrSuspended = errors.New("the application is suspended")
	ErrTooMuch   = errors.New("the token's claims take too long to compare")
)

// Application is one application at work; immutable.
type Application struct {
	Name, ID  string
	suspended bool
	open      bool     // tokens of every auth server may speak for it
	servers   []string // whose tokens may, if not open
	sets      [][]pair // its claim sets
	audiences []audience
	own       []string // audiences of the strategies with a key of its own
	anyOwn    bool     // one of those states no audience
	alone     [1]*Application

	keys         []config.APIKey
	users        []string
	ranges       []config.AddressRange
	certificates []certificate
	hostnames    []string
	payloads     []payload
}

// certificate is one that the application's callers show.
type certificate struct {
	thumbprint  string
	since, till time.Time // when it is valid
}

// audience is an aud that is good in a token of an auth server.
type audience struct{ server, value string }

func newApplication(cfg *config.Application) *Application {
	a := &Application{Name: cfg.Name, ID: cfg.ID, suspended: cfg.Suspended, open: len(cfg.JWT) == 0}
	a.alone[0] = a
	for _, s := range cfg.JWT {
		switch {
		case s.Issuer != "" && s.Audience == "":
			a.anyOwn = true
		case s.Issuer != "":
			a.own = append(a.own, s.Audience)
		default:
			a.servers = append(a.servers, s.AuthServer)
			if s.Audience != "" {
				a.audiences = append(a.audiences, audience{s.AuthServer, s.Audience})
			}
		}
	}
	for _, b := range cfg.Identify.Basic {
		if !slices.Contains(a.users, b.User) {
			a.users = append(a.users, b.User)
		}
	}
	a.keys, a.ranges, a.hostnames = cfg.Identify.APIKeys, cfg.Identify.IP, cfg.Identify.Hostname
	for _, c := range cfg.Identify.Certificates {
		if parsed, thumbprint, err := c.Parse(); err == nil { // Validate has reported it
			a.certificates = append(a.certificates, certificate{thumbprint, parsed.NotBefore, parsed.NotAfter})
		}
	}
	for _, set := range cfg.Identify.Claims {
		a.sets = append(a.sets, newPairs(set))
	}
	return a
}

// Active leaves out applications that are suspended; ErrSuspended when none is
// left. Where none is it gives back the same list.
func Active(list []*Application) ([]*Application, error) {
	suspended := func(a *Application) bool { return a.suspended }
	if !slices.ContainsFunc(list, suspended) {
		return list, nil
	}
	active := slices.DeleteFunc(slices.Clone(list), suspended)
	if len(active) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrSuspended, list[0].Name)
	}
	return active, nil
}

// Alone is a list of just it; nil of nil. It is made once and not to be changed.
func (a *Application) Alone() []*Application {
	if a == nil {
		return nil
	}
	return a.alone[:]
}

// admits reports whether tokens of an auth server may speak for it.
func (a *Application) admits(server string) bool {
	return a.open || slices.Contains(a.servers, server)
}

// Audience judges the audiences of a token that an auth server, or with server
// "" a key of the application's own, has verified. It reports whether one of
// them is good by a strategy, and whether a strategy asks for one.
func (a *Application) Audience(server string, audiences []string) (good, asks bool) {
	if server == "" {
		asks = !a.anyOwn
		for _, want := range a.own {
			good = good || slices.Contains(audiences, want)
		}
		return good, asks
	}
	for i := range a.audiences {
		if a.audiences[i].server == server {
			asks = true
			good = good || slices.Contains(audiences, a.audiences[i].value)
		}
	}
	return good, asks
}
