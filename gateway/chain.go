package gateway

import (
	"postern/gateway/exchange"
	"postern/gateway/policy/authorize"
	"postern/gateway/policy/identify"
	"postern/gateway/policy/protocols"
	"postern/provisioning/config"
)

// policies is what happens to every request of an API, in this order, before it
// is forwarded. It is the only list of policies; what an API does not state is
// not in its chain.
func (b *builder) policies(index int) []exchange.Policy {
	cfg := &b.config.APIs[index].Policies
	path := []any{"apis", index, "policies"}[:3:3] // each policy appends to its own copy
	var chain []exchange.Policy
	if len(cfg.Protocols) > 0 {
		chain = append(chain, b.told(protocols.New(cfg.Protocols), Step{"protocols", append(path, "protocols")}))
	}
	if cfg.Identify != nil && !cfg.Identify.None {
		believed, err := b.believe(cfg.Identify)
		if err != nil {
			b.failed(err, append(path, "identify", "auth_servers")...)
		}
		policy := identify.New(&b.config.APIs[index], believed, b.known(&b.config.APIs[index]), b.gateway.metrics)
		chain = append(chain, b.told(policy, Step{"identify", append(path, "identify")}))
	}
	if cfg.Authorize != nil {
		chain = b.authorize(chain, cfg.Authorize, append(path, "authorize"))
	}
	return chain
}

// scopes is what happens to requests of resources that name a scope, after the
// API's own policies.
func (b *builder) scopes(index int) map[string][]exchange.Policy {
	chains := map[string][]exchange.Policy{}
	for i, scope := range b.config.APIs[index].Scopes {
		if scope.Policies.Authorize == nil {
			continue
		}
		path := []any{"apis", index, "scopes", i, "policies", "authorize"}
		chains[scope.Name] = b.authorize(chains[scope.Name], scope.Policies.Authorize, path)
	}
	return chains
}

// authorize appends the policy of the section at path, unless that is at fault.
func (b *builder) authorize(chain []exchange.Policy, cfg *config.Authorize, path []any) []exchange.Policy {
	policy, err := authorize.New(cfg)
	if err != nil {
		b.failed(err, path...)
		return chain
	}
	return append(chain, b.told(policy, Step{"authorize", path}))
}
