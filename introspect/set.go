package introspect

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

// Set holds the auth servers of one configuration. Safe for concurrent use.
type Set struct {
	names     []string // of all auth servers, as configured
	servers   []*server
	required  map[*server]bool
	byName    map[string]*server
	cache     *cache
	gate      *gate
	remotes   []*remote // in the order of the configuration
	proofs    *Proofs
	denylist  *Denylist           // nil: none
	partners  map[string]*partner // by issuer
	transport http.RoundTripper   // of fetches; nil: their own
	keep      string              // see Rules
	observe   func(Fetch)         // told of fetches; nil: nobody
	log       *zap.Logger
}

// Rules are what a configuration says about tokens, its defaults filled in.
type Rules struct {
	Servers      []config.AuthServer
	Applications []config.Application // whose strategies bring keys of their own
	Tokens       config.Tokens
	// Keep is the folder in which key sets are kept for a later process; "":
	// nowhere.
	Keep string
	// Transport is what everything is fetched with, also by later Sets; nil: each
	// with its own.
	Transport http.RoundTripper
}

// New prepares the auth servers and the application strategies of a
// configuration. It starts nothing and uses no network, so a Set that is not
// wanted after all is simply dropped. What is unchanged since previous (which may
// be nil) is taken over from it: key sets, cached tokens and answers. The error
// is a config.Faults.
func New(rules Rules, previous *Set, log *zap.Logger) (*Set, error) {
	s := &Set{
		required: map[*server]bool{}, byName: map[string]*server{},
		keep: rules.Keep, log: log,
	}
	if previous == nil {
		previous = &Set{}
	}
	if s.transport = rules.Transport; s.transport == nil {
		s.transport = previous.transport
	}
	s.share(previous, rules.Tokens)
	var faults config.Faults
	for i := range rules.Servers {
		s.names = append(s.names, rules.Servers[i].Name)
		faults = append(faults, s.addRemote(&rules, i, previous)...)
		if rules.Servers[i].Local == nil {
			continue
		}
		one, fault := s.server(&rules.Servers[i], previous)
		if fault != nil {
			fault.Path = append([]any{"auth_servers", i, "local_introspection"}, fault.Path...)
			faults = append(faults, *fault)
			continue
		}
		s.servers = append(s.servers, one)
		s.byName[one.name()] = one
		s.required[one] = rules.Servers[i].Required
	}
	faults = append(faults, s.addPartners(&rules, previous)...)
	if faults = append(faults, s.addDenylist(rules.Tokens.Denylist, previous)...); faults != nil {
		return nil, faults
	}
	return s, nil
}

// share takes over what all auth servers have in common, if its bounds are
// unchanged.
func (s *Set) share(previous *Set, tokens config.Tokens) {
	limits := CacheLimits{Entries: tokens.Cache.Entries, Bytes: int64(tokens.Cache.Size)}
	if s.cache = previous.cache; s.cache == nil || s.cache.limits != limits {
		s.cache = newCache(limits)
	}
	fresh := newGate(tokens.Verifications)
	if s.gate = previous.gate; s.gate == nil || cap(s.gate.running) != cap(fresh.running) {
		s.gate = fresh
	}
	s.proofs = newProofs(tokens.Proofs, tokens.ClockSkew.Limit(), newGate(tokens.Verifications), previous.proofs)
}

// Proofs judges what holders of bound tokens show.
func (s *Set) Proofs() *Proofs { return s.proofs }

// server makes one auth server out of what previous has of it. The path of a
// fault begins below local_introspection.
func (s *Set) server(cfg *config.AuthServer, previous *Set) (*server, *config.Fault) {
	before := previous.byName[cfg.Name]
	if before != nil && before.sameRules(*cfg) {
		return before, nil
	}
	one := newServer(cfg)
	if fault := one.allow(cfg.Local.Algorithms); fault != nil {
		return nil, fault
	}
	from := sourceOf(cfg)
	if before != nil && before.keys.source == from {
		one.keys = before.keys
	} else {
		client := fetch.New(fetch.Options{AllowHTTP: cfg.Local.AllowHTTP, Transport: s.transport})
		one.keys = newKeySet(from, client)
	}
	return one, one.readFile()
}

// allow makes the allow-list of algorithms.
func (s *server) allow(algorithms []string) *config.Fault {
	known, kind := signingMethods(), "an asymmetric"
	if s.rules.Local.SharedKey != nil {
		known, kind = sharedMethods(), "a shared key's"
	}
	s.methods = known
	if algorithms == nil {
		return nil
	}
	s.methods = map[string]jwt.SigningMethod{}
	for i, alg := range algorithms {
		if known[alg] == nil {
			message := fmt.Sprintf("%q is not %s signature algorithm", alg, kind)
			return &config.Fault{Path: []any{"algorithms", i}, Message: message}
		}
		s.methods[alg] = known[alg]
	}
	return nil
}

// readFile gives the key set the keys of its file, if it has one, and refuses
// those that no allowed algorithm could use.
func (s *server) readFile() *config.Fault {
	from := &s.keys.source
	if from.remote() {
		return nil
	}
	content := s.keys.load()
	if content == nil {
		var err error
		if content, err = from.parse(); err != nil {
			return &config.Fault{Path: []any{from.kind}, Message: err.Error()}
		}
		s.keys.hold(content)
	}
	if s.rules.Local.SharedKey != nil {
		if fault := s.checkSharedKey(content.all[0]); fault != nil {
			return fault
		}
	}
	var possible []string
	for _, k := range content.all {
		possible = append(possible, k.algorithms...)
	}
	allowed := func(alg string) bool { return s.methods[alg] != nil }
	if one := s.versatile(content.all); s.expects.bestPractice && one != nil {
		message := fmt.Sprintf("profile rfc8725 allows one algorithm for each key, so algorithms must say which of %s is meant for key %q",
			strings.Join(one.algorithms, ", "), one.id)
		return &config.Fault{Path: []any{"algorithms"}, Message: message}
	}
	if slices.ContainsFunc(possible, allowed) {
		return nil
	}
	message := "none of its keys fits an allowed algorithm; they could verify " + strings.Join(possible, ", ")
	return &config.Fault{Path: []any{from.kind}, Message: message}
}

// addRemote makes what asks the i-th auth server, out of what previous has of it.
func (s *Set) addRemote(rules *Rules, i int, previous *Set) config.Faults {
	cfg, skew := &rules.Servers[i], rules.Tokens.ClockSkew.Limit()
	if cfg.Remote == nil {
		return nil
	}
	if before := previous.remote(cfg.Name); before != nil && before.sameRules(*cfg, skew) {
		s.remotes = append(s.remotes, before)
		return nil
	}
	one, faults := s.newRemote(cfg, skew)
	if faults != nil {
		return config.Below(faults, "auth_servers", i, "remote_introspection")
	}
	s.remotes = append(s.remotes, one)
	return nil
}

// addDenylist makes the denylist, out of what previous has of it.
func (s *Set) addDenylist(cfg *config.Denylist, previous *Set) config.Faults {
	if cfg == nil {
		return nil
	}
	if before := previous.denylist; before != nil && before.same(cfg) {
		s.denylist = before
		return nil
	}
	list, fault := newDenylist(cfg, s.transport)
	if fault != nil {
		return config.Below(config.Faults{*fault}, "tokens", "denylist")
	}
	s.denylist = list
	return nil
}

// Denylist is what judges tokens that may have been revoked; nil, which passes
// all of them, when there is none.
func (s *Set) Denylist() *Denylist { return s.denylist }

// remote is what asks the named auth server; nil when nothing does.
func (s *Set) remote(name string) *remote {
	for _, one := range s.remotes {
		if one.name() == name {
			return one
		}
	}
	return nil
}

// Accepts says which tokens a view is for: of whom, and of which kinds.
type Accepts struct {
	Servers     []string // names of auth servers
	JWT, Opaque bool
}

// For is the view of an API: only tokens that a accepts are believed. A JWT of
// an issuer that is known here is judged here; with Opaque, any other token is
// one to ask about.
func (s *Set) For(a Accepts) (Introspector, error) {
	var local []*server
	var remote *remote
	for _, name := range a.Servers {
		keys, asked := s.byName[name], s.remote(name)
		switch {
		case keys == nil && asked == nil:
			return nil, fmt.Errorf("no auth server %q", name)
		case keys != nil && a.JWT:
			local = append(local, keys)
		}
		if asked == nil || !a.Opaque {
			continue
		}
		if remote != nil {
			return nil, fmt.Errorf("auth servers %q and %q both have remote_introspection, so a token could go to either", remote.name(), name)
		}
		remote = asked
	}
	if remote != nil && !a.JWT {
		return remote, nil
	}
	v, err := newView(local, s)
	if err == nil {
		v.remote = remote
	}
	return v, err
}

// Start makes the set the one that keeps its keys, in the background, and
// returns at once. Keys that were taken over go on being kept.
func (s *Set) Start() {
	s.warn(time.Now())
	for _, one := range s.servers {
		one.keys.start(s, care{
			refresh:    time.Duration(one.rules.Local.Refresh),
			unknownKid: time.Duration(one.rules.Local.UnknownKidInterval),
			changed:    func() { s.cache.sweep(time.Now()) },
			observe:    s.observe,
			keep:       s.keep,
			log:        s.log,
		})
	}
	s.denylist.start(s, s.log)
}

// Close ends what no later Set has taken over by its Start. Introspect still
// works on the keys that are there. It may be called more than once, and for a
// Set that was never started.
func (s *Set) Close() {
	for _, one := range s.servers {
		one.keys.end(s)
	}
	for _, one := range s.remotes {
		one.http.Close() // idle connections; what asks on gets new ones
	}
	s.denylist.end(s)
}

// Ready returns an error naming the required auth servers without keys, or with
// none whose certificate is valid.
func (s *Set) Ready() error {
	now := time.Now()
	var missing []string
	for _, one := range s.servers {
		content := one.keys.load()
		if s.required[one] && (content == nil || !content.usable(now)) {
			missing = append(missing, one.name())
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("%w: auth servers %s", ErrUnreachable, strings.Join(missing, ", "))
}

// warn says which keys of files must not be used now: those of auth servers and
// of strategies. Fetched ones are looked at in Status.
func (s *Set) warn(now time.Time) {
	for _, one := range s.servers {
		if !one.keys.source.remote() {
			one.keys.load().warn(s.log, now, zap.String("auth_server", one.name()))
		}
	}
	for issuer, p := range s.partners {
		p.server.keys.load().warn(s.log, now, zap.String("issuer", issuer))
	}
}

func (k *keys) warn(log *zap.Logger, now time.Time, whose zap.Field) {
	for _, one := range k.all {
		if problem := one.problem(now); problem != "" {
			log.Warn("key not used", whose, zap.String("kid", one.id), zap.String("application", one.application), zap.String("reason", problem))
		}
	}
}
