package schema

import "strconv"

// objectRules are the keywords for objects.
type objectRules struct {
	least, most       int // of members; most is -1 without a bound
	required          []string
	names             []string // of properties, sorted
	properties        map[string]*Schema
	patterns          []patternSchema
	additional        *Schema
	propertyNames     *Schema
	dependentRequired map[string][]string
	dependent         map[string]*Schema
	unevaluated       *Schema
}

type patternSchema struct {
	pattern *pattern
	schema  *Schema
}

func (c *Check) members(s *Schema, v map[string]any, found *evaluated) bool {
	r := &s.object
	ok := c.size(len(v), r.least, r.most, " members")
	ok = c.missing(r, v, r.required) && ok
	for _, name := range r.names {
		member, there := v[name]
		if !there {
			continue
		}
		if !ok && c.hurried() {
			return false
		}
		found.member(name)
		ok = c.property(r.properties[name], member, name) && ok
	}
	if r.patterns != nil || r.additional != nil {
		ok = c.others(r, v, found) && ok
	}
	return c.dependencies(r, v, found) && ok
}

// property judges a member, which may stand in one direction only.
func (c *Check) property(s *Schema, v any, name string) bool {
	if c.direction == Request && s.readOnly || c.direction == Answer && s.writeOnly {
		c.at = append(c.at, token{name: name})
		defer func() { c.at = c.at[:len(c.at)-1] }()
		if c.direction == Request {
			return c.fault("is read-only: it must not be sent")
		}
		return c.fault("is write-only: it must not be given out")
	}
	return c.inside(s, v, token{name: name})
}

// missing reports members that must be there; those that stand in the other
// direction only need not.
func (c *Check) missing(r *objectRules, v map[string]any, names []string) bool {
	ok := true
	for _, name := range names {
		if _, there := v[name]; there {
			continue
		}
		if s := r.properties[name]; s != nil && (c.direction == Request && s.readOnly || c.direction == Answer && s.writeOnly) {
			continue
		}
		c.at = append(c.at, token{name: name})
		ok = c.fault("is missing")
		c.at = c.at[:len(c.at)-1]
	}
	return ok
}

// others judges the members that are not among the properties.
func (c *Check) others(r *objectRules, v map[string]any, found *evaluated) bool {
	ok := true
	for name, member := range v {
		known := r.properties[name] != nil
		for _, p := range r.patterns {
			if c.matches(p.pattern, name) {
				known = true
				found.member(name)
				ok = c.property(p.schema, member, name) && ok
			}
		}
		if !known && r.additional != nil {
			found.member(name)
			ok = c.extra(r.additional, member, token{name: name}) && ok
		}
		if !ok && c.hurried() {
			return false
		}
	}
	return ok
}

func (c *Check) dependencies(r *objectRules, v map[string]any, found *evaluated) bool {
	ok := true
	if r.propertyNames != nil {
		for name := range v {
			if !c.spend(1) {
				return false
			}
			if !c.Fits(r.propertyNames, name) {
				c.at = append(c.at, token{name: name})
				ok = c.fault("has a name that is not allowed")
				c.at = c.at[:len(c.at)-1]
			}
		}
	}
	for name, others := range r.dependentRequired {
		if _, there := v[name]; there {
			ok = c.missing(r, v, others) && ok
		}
	}
	for name, s := range r.dependent {
		if _, there := v[name]; there {
			ok = c.eval(s, v, found) && ok
		}
	}
	return ok
}

// size compares a count with its bounds.
func (c *Check) size(n, least, most int, what string) bool {
	if n < least {
		return c.fault("must have at least " + strconv.Itoa(least) + what)
	}
	if most >= 0 && n > most {
		return c.fault("must have at most " + strconv.Itoa(most) + what)
	}
	return true
}
