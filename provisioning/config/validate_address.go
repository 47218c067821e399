package config

// addresses reports APIs that claim the same host and base path, or one of the
// gateway's own paths.
func (v *checker) addresses(c *Config) {
	type address struct{ host, prefix string }
	owners := map[address]int{}
	for i := range c.APIs {
		a := &c.APIs[i]
		path := []any{"apis", i}
		if a.Name == "" {
			continue
		}
		prefix := a.Prefix(*c.APIEndpoint.BasePath)
		if c.AdminAPI.OnTrafficPort && prefix != "/" && (within(prefix, c.AdminAPI.AdminPath) || within(c.AdminAPI.AdminPath, prefix)) {
			v.clash(at(path, a.addressKey()), []any{"admin_api", "on_traffic_port"}, "%s meets admin_path %s, which is on the traffic ports", prefix, c.AdminAPI.AdminPath)
		}
		for _, host := range a.hosts() {
			first, taken := owners[address{host, prefix}]
			if taken && (c.APIs[first].Name != a.Name || c.APIs[first].Version != a.Version) {
				v.clash(at(path, a.addressKey()), []any{"apis", first, c.APIs[first].addressKey()}, "%s is the address of API %q too", host+prefix, c.APIs[first].Name)
				break
			}
			owners[address{host, prefix}] = i
		}
	}
	// <endpoint>/<name> is answered by the latest version of name.
	for i := range c.APIs {
		a := &c.APIs[i]
		if a.BasePath != "" || a.Name == "" || a.Version == "" {
			continue
		}
		for _, host := range a.hosts() {
			first, taken := owners[address{host, *c.APIEndpoint.BasePath + "/" + a.Name}]
			if taken && c.APIs[first].Name != a.Name {
				v.clash([]any{"apis", i, "name"}, []any{"apis", first, c.APIs[first].addressKey()}, "its address without a version is that of API %q", c.APIs[first].Name)
				break
			}
		}
	}
}

// Prefix is the path below which the API's resources lie.
func (a *API) Prefix(endpoint string) string {
	switch {
	case a.BasePath != "":
		return a.BasePath
	case a.Version != "":
		return endpoint + "/" + a.Name + "/" + a.Version
	}
	return endpoint + "/" + a.Name
}

// addressKey is the key that decides Prefix.
func (a *API) addressKey() string {
	if a.BasePath != "" {
		return "base_path"
	}
	return "name"
}

// hosts are a.Hosts, or "" for every host.
func (a *API) hosts() []string {
	if len(a.Hosts) == 0 {
		return []string{""}
	}
	return a.Hosts
}
