package config

import "regexp"

func (v *checker) users(c *Config) {
	names := map[string]int{}
	for i, u := range c.Users {
		v.unique(names, u.Name, []any{"users", i}, "name")
	}
	if c.APIGateway != nil && c.APIGateway.Dir.IsZero() {
		v.add([]any{"api_gateway", "dir"}, "missing: the folder of an installation")
	}
	for i := range c.AuthServers {
		if s := c.AuthServers[i].Subject; s != nil && s.User && c.Users == nil {
			v.add([]any{"auth_servers", i, "subject", "user"}, "there are no users: list them, or name their file, under users")
		}
	}
}

func (v *checker) subject(path []any, s *Subject) {
	if len(s.Any) == 0 && s.Pattern == "" && !s.User {
		v.add(path, "empty: state any, pattern or user")
	}
	if len(s.Any) > 0 && s.Pattern != "" {
		v.clash(at(path, "pattern"), at(path, "any"), "state one of any and pattern")
	}
	if _, err := regexp.Compile(s.Pattern); err != nil {
		v.add(at(path, "pattern"), "%v", err)
	}
}
