package archive

import "strings"

// globalEntries are the policies of several APIs that are active.
func (c *converter) globalEntries() (list []any) {
	for id, p := range c.policies.all {
		if !p.Global {
			continue
		}
		at := named(c.policies.from[id], "global policy "+p.name(id))
		if !p.Active {
			c.tell(at, "it is not active, and is left out")
			continue
		}
		when, ok := c.when(at, p)
		t := &translation{converter: c, at: at, part: "several APIs"}
		t.policies([]string{id})
		t.own.set("authorize", t.authorize)
		if !ok || t.rejected {
			c.lost = p.name(id)
			continue
		}
		if len(t.own) == 0 {
			c.tell(at, "it holds nothing, and is left out")
			continue
		}
		entry := mapping{{key: "name", value: p.name(id)}}
		entry.set("when", when)
		entry.set("policies", t.own)
		list = append(list, commented{c.policies.from[id], entry})
	}
	return list
}

// filters are the conditions by the names of the product, and how they are called
// here.
var filters = map[string]string{"HTTP_METHOD": "methods", "API_NAME": "apis", "API_VERSION": "versions", "API_TAG": "tags"}

// when is which requests a global policy is for. What is not known could make it
// hold for fewer than are meant, so it is refused.
func (c *converter) when(at string, p *policy) (when mapping, ok bool) {
	if p.Scope.Connector != "" && !strings.EqualFold(p.Scope.Connector, "AND") && len(p.Scope.Conditions) > 1 {
		c.reject(at, "conditions joined by %s are not supported", shorten(p.Scope.Connector))
		return nil, false
	}
	for _, condition := range p.Scope.Conditions {
		key, known := filters[condition.Filter]
		if !known {
			c.reject(at, "a condition of type %s is not supported", shorten(condition.Filter))
			return nil, false
		}
		var values []string
		for _, a := range condition.Attributes {
			switch {
			case key == "methods" && strings.EqualFold(asText(a.Value), "true"):
				values = append(values, strings.ToUpper(a.Name))
			case key != "methods" && (a.Operator == "" || strings.EqualFold(a.Operator, "equals")):
				values = append(values, asText(a.Value))
			case key != "methods":
				c.reject(at, "a comparison %s is not supported", shorten(a.Operator))
				return nil, false
			}
		}
		if len(values) == 0 {
			c.reject(at, "a condition of type %s has no value", condition.Filter)
			return nil, false
		}
		when.set(key, values)
	}
	return when, true
}
