package introspect

import (
	"fmt"
	"slices"
	"time"

	"postern/provisioning/config"
)

// Strategy is a shared key with which an application signs tokens of its own.
// Its tokens carry Issuer and, unless Kid is empty, Kid.
type Strategy struct {
	Application string // id of the application, which Token names
	Issuer, Kid string
	Algorithms  []string // HS256, HS384, HS512
	SharedKey   config.Secret
	Path        []any // where it stands in the configuration, for faults
}

// same reports whether two strategies verify the same tokens.
func (s Strategy) same(other Strategy) bool {
	return s.Application == other.Application && s.Issuer == other.Issuer && s.Kid == other.Kid &&
		slices.Equal(s.Algorithms, other.Algorithms) && s.SharedKey == other.SharedKey
}

// partner is an issuer that application strategies state: all their keys in one
// key set, told apart by kid or else by trying.
type partner struct {
	server     *server
	strategies []Strategy
	skew       config.Duration
}

// addPartners makes the issuers of all strategies. An issuer whose strategies are unchanged is taken over.
func (s *Set) addPartners(rules *Rules, previous *Set) (faults config.Faults) {
	s.partners = map[string]*partner{}
	for _, one := range rules.Strategies {
		p := s.partners[one.Issuer]
		if p == nil {
			p = &partner{skew: rules.Tokens.ClockSkew}
			s.partners[one.Issuer] = p
		}
		p.strategies = append(p.strategies, one)
	}
	for issuer, p := range s.partners {
		before := previous.partners[issuer]
		if before != nil && before.skew == p.skew && slices.EqualFunc(before.strategies, p.strategies, Strategy.same) {
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
	p.server.methods = sharedMethods()
	set := &keys{byID: map[string][]*key{}}
	seen := map[string]*Strategy{}
	for i := range p.strategies {
		one := &p.strategies[i]
		k := newSharedKey(one.Kid, one.SharedKey, one.Algorithms)
		k.application = one.Application
		if fault := one.check(k); fault != "" {
			faults = append(faults, config.Fault{Path: one.Path, Message: fault})
			continue
		}
		if other := one.twin(seen); other != nil {
			faults = append(faults, config.Fault{Path: one.Path, Message: fmt.Sprintf(
				"application %q has the same shared key for issuer %q and kid %q, so a token would speak for both",
				other.Application, issuer, one.Kid)})
			continue
		}
		set.all = append(set.all, k)
	}
	set.index()
	faults = append(faults, p.crowded(set)...)
	p.server.keys = newKeySet(source{issuer: issuer, kind: "shared_key"}, nil)
	p.server.keys.hold(set)
	return faults
}

// check says what is wrong with a strategy whose key is k.
func (s *Strategy) check(k *key) string {
	switch {
	case s.Issuer == "":
		return "a shared key needs the issuer whose tokens it signs"
	case len(s.Kid) > maxKid:
		return fmt.Sprintf("kid of %d bytes is too long", len(s.Kid))
	case len(k.algorithms) == 0 || len(k.algorithms) < len(s.Algorithms):
		return "its shared key does not fit each of its algorithms"
	}
	return ""
}

// twin is a strategy seen before whose tokens are also tokens of s. Keys are
// compared by what they sign: HMAC fills short ones up with zeros and hashes
// long ones.
func (s *Strategy) twin(seen map[string]*Strategy) *Strategy {
	methods := sharedMethods()
	for _, alg := range s.Algorithms {
		signature, err := methods[alg].Sign("", []byte(s.SharedKey.Reveal()))
		if err != nil {
			continue // as wrong as it would be for a token
		}
		mark := fmt.Sprintf("%s %q %x", alg, s.Kid, signature)
		if seen[mark] != nil {
			return seen[mark]
		}
		seen[mark] = s
	}
	return nil
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
// keys.
func (p *partner) crowded(set *keys) (faults config.Faults) {
	told := map[string]bool{}
	for _, one := range p.strategies {
		candidates := set.byID[one.Kid]
		if one.Kid == "" {
			candidates = set.unnamed
		}
		if len(candidates) <= maxCandidates || told[one.Kid] {
			continue
		}
		told[one.Kid] = true
		faults = append(faults, config.Fault{Path: one.Path, Message: fmt.Sprintf(
			"%d shared keys are for issuer %q and kid %q, more than the %d with which a token is tried: tell them apart by kid",
			len(candidates), one.Issuer, one.Kid, maxCandidates)})
	}
	return faults
}

// newServer is a verifier by the rules of cfg, without algorithms and keys.
func newServer(cfg *config.AuthServer) *server {
	one := &server{rules: rulesOf(*cfg), maxStale: time.Duration(cfg.Local.MaxStale)}
	if skew := cfg.Local.ClockSkew; skew != nil {
		one.skew = skew.Limit()
	}
	for _, typ := range cfg.Local.Types {
		one.types = append(one.types, mediaType(typ))
	}
	return one
}
