package introspect

import (
	"crypto/x509"
	"fmt"
	"reflect"
	"slices"
	"time"

	"postern/provisioning/config"
)

// strategy is one with keys of its own: with them its application signs tokens
// that carry its issuer and, unless its kid is empty, its kid.
type strategy struct {
	config.Strategy
	application string // id
	path        []any  // where it stands in the configuration
}

// partner is an issuer that strategies state: all their keys in one key set,
// told apart by kid or else by trying.
type partner struct {
	server     *server
	strategies []strategy
	skew       config.Duration
}

// strategiesOf are those with an issuer, in the order of the file.
func strategiesOf(applications []config.Application) (list []strategy) {
	for i := range applications {
		for j, one := range applications[i].JWT {
			if one.Issuer != "" {
				list = append(list, strategy{one, applications[i].ID, []any{"applications", i, "jwt", j}})
			}
		}
	}
	return list
}

// same reports whether two strategies verify the same tokens.
func (s strategy) same(other strategy) bool {
	return s.application == other.application && reflect.DeepEqual(s.Strategy, other.Strategy)
}

// addPartners makes the issuers of all strategies. An issuer whose strategies
// are unchanged is taken over.
func (s *Set) addPartners(rules *Rules, previous *Set) (faults config.Faults) {
	s.partners = map[string]*partner{}
	for _, one := range strategiesOf(rules.Applications) {
		p := s.partners[one.Issuer]
		if p == nil {
			p = &partner{skew: rules.Tokens.ClockSkew}
			s.partners[one.Issuer] = p
		}
		p.strategies = append(p.strategies, one)
	}
	for issuer, p := range s.partners {
		before := previous.partners[issuer]
		if before != nil && before.skew == p.skew && slices.EqualFunc(before.strategies, p.strategies, strategy.same) {
			s.partners[issuer] = before
			continue
		}
		faults = append(faults, p.build(issuer)...)
	}
	return faults
}

// build makes the verifier of the issuer's tokens.
func (p *partner) build(issuer string) (faults config.Faults) {
	local := &config.LocalIntrospection{ClockSkew: &p.skew}
	cfg := config.AuthServer{Issuer: config.Issuer{Value: issuer}, Local: local}
	filled := config.Config{AuthServers: []config.AuthServer{cfg}}
	filled.SetDefaults()
	p.server = newServer(&filled.AuthServers[0])
	// What an algorithm may be used with is what each key says.
	p.server.methods = allMethods()
	set := &keys{byID: map[string][]*key{}}
	var from []*strategy
	owners := map[string]*strategy{}
	for i := range p.strategies {
		one := &p.strategies[i]
		own, fault := one.keys()
		if fault == nil {
			fault = one.claim(own, owners)
		}
		if fault != nil {
			fault.Path = append(slices.Clone(one.path), fault.Path...)
			faults = append(faults, *fault)
			continue
		}
		set.all = append(set.all, own...)
		from = append(from, slices.Repeat([]*strategy{one}, len(own))...)
	}
	set.index()
	faults = append(faults, set.crowded(from)...)
	p.server.keys = newKeySet(source{issuer: issuer, kind: "applications"}, nil)
	p.server.keys.hold(set)
	return faults
}

// keys reads the keys of a strategy. Those of a key set keep their ids, of which
// the strategy's kid picks one.
func (s *strategy) keys() ([]*key, *config.Fault) {
	from := sourceOf(&config.AuthServer{Local: &config.LocalIntrospection{
		JWKS: s.JWKS, Certificate: s.Certificate, PublicKey: s.PublicKey, SharedKey: s.shared(),
	}})
	if from.kind == "" || len(s.Kid) > maxKid {
		return nil, &config.Fault{Message: "has no key, or a kid that is too long"}
	}
	parsed, err := from.parse()
	if err != nil {
		return nil, &config.Fault{Path: []any{from.kind}, Message: err.Error()}
	}
	var own []*key
	for _, k := range parsed.all {
		if s.Kid != "" && k.id != "" && k.id != s.Kid {
			continue
		}
		if s.Kid != "" {
			k.id = s.Kid
		}
		k.application = s.application
		if k.narrow(s.allowed()); len(k.algorithms) > 0 {
			own = append(own, k)
		}
	}
	if len(own) == 0 {
		return nil, &config.Fault{Path: []any{from.kind}, Message: "none of its keys fits the kid and an allowed algorithm"}
	}
	return own, s.idle(own)
}

// idle reports an algorithm that no key could use.
func (s *strategy) idle(own []*key) *config.Fault {
	for i, alg := range s.Algorithms {
		uses := func(k *key) bool { return slices.Contains(k.algorithms, alg) }
		if !slices.ContainsFunc(own, uses) {
			return &config.Fault{Path: []any{"algorithms", i}, Message: fmt.Sprintf("no key beside it is for %q, or long enough", alg)}
		}
	}
	return nil
}

func (s *strategy) shared() *config.Secret {
	if s.SharedKey.IsZero() {
		return nil
	}
	return &s.SharedKey
}

// allowed are the algorithms of the strategy: by default HS256 for a shared key,
// and for another every one that it could verify.
func (s *strategy) allowed() []string {
	if s.Algorithms == nil && s.shared() != nil {
		return []string{"HS256"}
	}
	return s.Algorithms
}

// narrow leaves the key those of the algorithms that are allowed; nil: all.
func (k *key) narrow(allowed []string) {
	if allowed != nil {
		k.algorithms = slices.DeleteFunc(slices.Clone(k.algorithms), func(alg string) bool { return !slices.Contains(allowed, alg) })
	}
}

// claim notes whose the keys are, unless another application has one of them: a
// token would speak for both.
func (s *strategy) claim(own []*key, owners map[string]*strategy) *config.Fault {
	for _, k := range own {
		for _, alg := range k.algorithms {
			mark := alg + k.mark(alg)
			if first := owners[mark]; first != nil && first.application != s.application {
				return &config.Fault{Message: fmt.Sprintf("application %q has the same key for issuer %q, so a token would speak for both",
					first.application, s.Issuer)}
			}
			owners[mark] = s
		}
	}
	return nil
}

// mark is equal for keys that verify the same tokens. Shared keys are compared
// by what they sign: HMAC fills short ones up with zeros and hashes long ones.
func (k *key) mark(alg string) string {
	if shared, ok := k.public.(sharedSecret); ok {
		signature, _ := sharedMethods()[alg].Sign("", []byte(shared))
		return string(signature)
	}
	der, _ := x509.MarshalPKIXPublicKey(k.public)
	return string(der)
}

// index makes the look-up by kid. A key without a kid may be meant by any token.
func (k *keys) index() {
	for _, one := range k.all {
		if one.id == "" {
			k.unnamed = append(k.unnamed, one)
		}
	}
	for _, one := range k.all {
		if one.id != "" && k.byID[one.id] == nil {
			k.byID[one.id] = slices.Clone(k.unnamed)
		}
		if one.id != "" {
			k.byID[one.id] = append(k.byID[one.id], one)
		}
	}
}

// crowded reports kids with which a token would have to be tried with too many
// keys. from is whose each key is.
func (k *keys) crowded(from []*strategy) (faults config.Faults) {
	told := map[string]bool{}
	for i, one := range k.all {
		candidates := k.byID[one.id]
		if one.id == "" {
			candidates = k.unnamed
		}
		if len(candidates) <= maxCandidates || told[one.id] {
			continue
		}
		told[one.id] = true
		faults = append(faults, config.Fault{Path: from[i].path, Message: fmt.Sprintf(
			"%d keys are for issuer %q and kid %q, more than the %d with which a token is tried: tell them apart by kid",
			len(candidates), from[i].Issuer, one.id, maxCandidates)})
	}
	return faults
}

// newServer is a verifier by the rules of cfg, without algorithms and keys.
func newServer(cfg *config.AuthServer) *server {
	one := &server{rules: rulesOf(*cfg), maxStale: time.Duration(cfg.Local.MaxStale), expects: expectedOf(cfg.Local)}
	if skew := cfg.Local.ClockSkew; skew != nil {
		one.skew = skew.Limit()
	}
	for _, typ := range cfg.Local.Types {
		one.types = append(one.types, mediaType(typ))
	}
	return one
}
