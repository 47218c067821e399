package identify

import (
	"context"
	"slices"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/hostname"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/introspect"
	"postern/provisioning/config"
)

// way is one way to find out who calls; a level has one or more of them and
// combines what they find.
//
// A new way is: a file here with a type that does this and a line in kinds; its
// word in config.Ways, with the checks of its section; what its applications are
// found by in config.Identifiers, and an index of that in gateway/application,
// which callers.among searches.
type way interface {
	// identify looks for what the way is about, and changes nothing. That there is
	// nothing is no error but a finding of nobody. A credential that is there and
	// not good is an error: a *problem.Problem is told as it is, with x.Reason set
	// by the way; any other becomes 401 invalid_credential, with its text as reason
	// in the log and its word of refusals in the metric.
	identify(ctx context.Context, x *exchange.Exchange) (finding, error)
	// challenge is what a 401 says of the way in WWW-Authenticate; "": nothing.
	challenge() string
}

// finding is what a way has found out, or several have together; the zero value
// is nobody.
type finding struct {
	found bool
	// stray says that something stands where a credential does and is none of this
	// way's: whoever presents that is not anonymous.
	stray bool
	by    string            // the way that has found it; filled in
	token *introspect.Token // what a verified token says; nil: there is none
	user  *config.User      // one of the gateway's users, or of an application's, proven; nil: none
	// applications are those that the caller may speak for. Ways that know callers
	// by their application only find at least one.
	applications []*application.Application
	why          error  // why nobody was found, for the log; may be nil
	whose        string // the way that says so; filled in
	// nobodys is why a credential that is good in itself identifies nobody. The
	// caller did not choose to present it, so with combine: or another way may still
	// find somebody; else it is refused with this.
	nobodys error
}

// kind makes the ways that some words of by ask for.
type kind struct {
	words []string
	// name is what Caller.By and the metric call it.
	name string
	// credential says that callers present something. All credentials are looked
	// at, and one that fails is refused whatever else identifies the caller. Other
	// ways prove nothing and come last; with combine: or they are not asked when a
	// credential has identified the caller.
	credential bool
	make       func(s *site) way
	// conceal is what takes off, of a request that is let in, what its upstream must
	// not see; nil: nothing does.
	conceal func(cfg *config.Identify) func(x *exchange.Exchange)
}

// kinds are all ways there are.
func kinds() []kind {
	return []kind{
		{words: []string{"jwt", "opaque"}, name: tokenWay, credential: true, make: newToken, conceal: concealToken},
		{words: []string{"api_key"}, name: "api_key", credential: true, make: newKey, conceal: concealKey},
		{words: []string{"basic"}, name: "basic", credential: true, make: newBasic, conceal: concealBasic},
		{words: []string{"certificate"}, name: "certificate", credential: true, make: newClientCertificate},
		{words: []string{"ip"}, name: "ip", make: newAddress},
		{words: []string{"hostname"}, name: "hostname", make: newHost},
		{words: []string{"payload"}, name: "payload", make: newPayload},
	}
}

// site is what ways are made of.
type site struct {
	api       *config.API
	cfg       *config.Identify
	believed  Believed
	passwords Passwords
	callers   callers
	metrics   *metrics.Instruments
	names     *hostname.Resolver
	bodies    *message.Bodies
}

// wanted are the kinds of by: those of credentials first, each once, in the
// order of the list.
func wanted(by []string) (wanted []kind) {
	seen := map[string]bool{}
	for _, credential := range []bool{true, false} {
		for _, word := range by {
			for _, k := range kinds() {
				if k.credential == credential && slices.Contains(k.words, word) && !seen[k.name] {
					seen[k.name] = true
					wanted = append(wanted, k)
				}
			}
		}
	}
	return wanted
}
