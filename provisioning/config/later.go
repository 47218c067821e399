package config

// later reports what is read and not acted on yet.
func (v *checker) later(c *Config) {
	refuse := func(stated bool, path ...any) {
		if stated {
			v.add(path, "%q is not supported yet", path[len(path)-1])
		}
	}
	refuse(len(c.Applications) > 0, "applications")
	refuse(len(c.Users) > 0, "users")
	for i := range c.AuthServers {
		refuse(c.AuthServers[i].Subject != nil, "auth_servers", i, "subject")
	}
	for i := range c.APIs {
		if id := c.APIs[i].Policies.Identify; id != nil {
			at := []any{"apis", i, "policies", "identify"}
			refuse(id.Combine != "", append(at, "combine")...)
			refuse(id.Anonymous, append(at, "anonymous")...)
			refuse(id.Token != nil, append(at, "token")...)
			refuse(id.AudienceAlso != nil, append(at, "audience_also")...)
			refuse(id.CallerHeaders != nil, append(at, "caller_headers")...)
		}
		policies := []Policies{c.APIs[i].Policies}
		for _, scope := range c.APIs[i].Scopes {
			policies = append(policies, scope.Policies)
		}
		for _, p := range policies {
			if a := p.Authorize; a != nil {
				refuse(a.Groups != nil, "apis", i, "policies", "authorize", "groups")
				refuse(a.TokenScopes != nil && a.TokenScopes.Claim != "", "apis", i, "policies", "authorize", "token_scopes", "claim")
			}
		}
	}
}
