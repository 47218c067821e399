package archive

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// apiEntries are the APIs that can be served as they are.
func (c *converter) apiEntries() (list []any) {
	for id, a := range c.apis.all {
		at := named(c.apis.from[id], "API "+a.fullName())
		switch {
		case a.Active != nil && !*a.Active:
			c.reject(at, "it is not active in the central gateway")
			continue
		case a.Type != "" && !strings.EqualFold(a.Type, "REST"):
			c.reject(at, "APIs of type %s are not served", a.Type)
			continue
		case c.lost != "":
			c.reject(at, "global policy %s, which may protect it, is left out", c.lost)
			continue
		}
		if entry, ok := c.apiEntry(at, id, a); ok {
			list = append(list, commented{c.apis.from[id], entry})
		}
	}
	return list
}

func (c *converter) apiEntry(at, id string, a *api) (mapping, bool) {
	t := &translation{converter: c, at: at, api: id}
	t.policies(a.Policies)
	c.granted(t, id)
	scopes, ok := c.scopeEntries(at, id, a)
	t.target(a)
	if t.identified == nil {
		t.own = append(mapping{{key: "identify", value: "none"}}, t.own...)
		c.tell(at, "it has no Identify & Authorize policy: everybody may call it")
	}
	var entry mapping
	entry.set("name", a.Name)
	entry.set("version", a.Version)
	entry.set("tags", a.Groups)
	entry.set("upstream", t.upstream)
	resources, used := c.resources(a, sortedKeys(scopes))
	if len(resources) == 0 { // which would be every path
		t.refuse(at, "it has no path that is enabled")
	}
	entry.set("resources", resources)
	var listed []any
	for _, s := range a.Scopes {
		if contains(used, s.Name) {
			listed = append(listed, mapping{{key: "name", value: s.Name}, {key: "policies", value: scopes[s.Name]}})
		}
	}
	entry.set("scopes", listed)
	entry.set("policies", t.own)
	return entry, ok && !t.rejected
}

// scopeEntries are the policies of the scopes that have some; ok is false where one
// of them is not known.
func (c *converter) scopeEntries(at, id string, a *api) (all map[string]mapping, ok bool) {
	all, ok = map[string]mapping{}, true
	for _, s := range a.Scopes {
		t := &translation{converter: c, at: at + ", scope " + s.Name, api: id, part: "a part of an API"}
		t.policies(s.Policies)
		c.granted(t, s.OAuth2)
		if ok = ok && !t.rejected; len(t.own) > 0 {
			all[s.Name] = t.own
		}
	}
	return all, ok
}

// methods are the keys of a path that are no notes about it.
var methods = []string{"get", "post", "put", "delete", "patch", "head", "options"}

// resources are the paths with their methods, and the scopes that they name. What
// is disabled is not there.
func (c *converter) resources(a *api, known []string) (list []any, used []string) {
	for _, path := range sortedKeys(a.Definition.Paths) {
		members := a.Definition.Paths[path]
		var whole struct {
			Enabled *bool
			Scopes  []string
		}
		readMember(members["enabled"], &whole.Enabled)
		readMember(members["scopes"], &whole.Scopes)
		if whole.Enabled != nil && !*whole.Enabled {
			continue
		}
		byScopes := map[string][]string{}
		for _, method := range methods {
			raw, there := members[method]
			if !there {
				continue
			}
			var m struct {
				Enabled *bool    `json:"enabled"`
				Scopes  []string `json:"scopes"`
			}
			if json.Unmarshal(raw, &m) != nil || m.Enabled != nil && !*m.Enabled {
				continue
			}
			scopes := common(append(slices.Clone(whole.Scopes), m.Scopes...), known)
			key := strings.Join(scopes, "\x00")
			byScopes[key] = append(byScopes[key], strings.ToUpper(method))
		}
		for _, key := range sortedKeys(byScopes) {
			var entry mapping
			entry.set("path", "/"+strings.TrimLeft(path, "/"))
			entry.set("methods", byScopes[key])
			if key != "" {
				scopes := strings.Split(key, "\x00")
				entry.set("scopes", scopes)
				used = append(used, scopes...)
			}
			list = append(list, entry)
		}
	}
	return list, used
}

// common are the names that are known, each once.
func common(names, known []string) (all []string) {
	for _, name := range names {
		if !slices.Contains(all, name) && slices.Contains(known, name) {
			all = append(all, name)
		}
	}
	return all
}

func readMember(raw json.RawMessage, to any) {
	if raw != nil {
		_ = json.Unmarshal(raw, to) // of another shape it says nothing
	}
}

// granted adds what OAuth scope mappings ask of tokens for an API or a part of one:
// of each mapping, every scope.
func (c *converter) granted(t *translation, part string) {
	var all []string
	for _, s := range c.scopes.all {
		if part == "" || !slices.Contains(s.APIScopes, part) {
			continue
		}
		for _, r := range s.Required {
			if !slices.Contains(all, r.Scope) {
				all = append(all, r.Scope)
			}
		}
	}
	if len(all) > 0 {
		t.authorize.set("token_scopes", mapping{{key: "all", value: all}})
	}
	t.own.set("authorize", t.authorize)
}
