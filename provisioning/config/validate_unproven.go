package config

import (
	"fmt"
	"strings"
)

// maxExpressions bounds what is done with the body of each request.
const maxExpressions = 50

// unproven checks what applications are found by that is not theirs alone, but
// for addresses.
func (v *checker) unproven(c *Config) {
	different := map[string]bool{}
	for i := range c.Applications {
		id, path := &c.Applications[i].Identify, []any{"applications", i, "identify"}
		for j, name := range id.Hostname {
			if bare, _ := strings.CutPrefix(name, "*."); !validHost(bare) || strings.HasSuffix(bare, ".") {
				v.add(at(path, "hostname", j), "%q is neither a host name nor *. and one, which is any name below it", name)
			}
		}
		for j, p := range id.Payload {
			v.payloadRule(at(path, "payload", j), &id.Payload[j])
			if p.Equals == "" {
				v.add(at(path, "payload", j, "equals"), "missing: what is found there must be")
			}
			before := len(different)
			if different[p.Expression()] = true; before == maxExpressions && len(different) > before {
				v.add(at(path, "payload", j), "the applications have more than %d different expressions, all of which a body would be searched with", maxExpressions)
			}
		}
	}
	v.shared(c, "hostname", func(id *Identifiers) []string { return id.Hostname })
	v.shared(c, "payload", func(id *Identifiers) (all []string) {
		for i := range id.Payload {
			all = append(all, id.Payload[i].Expression()+"\x00"+id.Payload[i].Equals)
		}
		return all
	})
}

// shared reports what two applications are found by that one API would have to
// tell apart by it.
func (v *checker) shared(c *Config, way string, of func(*Identifiers) []string) {
	told := map[[2]int]bool{}
	for l := range c.AllLevels() {
		id := l.Policies.Identify
		if id == nil || !id.Uses(way) || id.Combine == "and" && len(id.By) > 1 {
			continue
		}
		for _, api := range c.reached(l) {
			first := map[string][2]int{}
			for i := range c.Applications {
				a := &c.Applications[i]
				if a.Suspended || id.Applications == "registered" && !a.RegisteredFor(&c.APIs[api]) {
					continue
				}
				for j, text := range of(&a.Identify) {
					other, known := first[text]
					if !known {
						first[text] = [2]int{i, j}
					} else if other[0] != i && !told[[2]int{other[0], i}] && len(told) < maxOverlaps {
						told[[2]int{other[0], i}] = true
						v.warnClash(identifierAt(i, way, j), identifierAt(other[0], way, other[1]),
							fmt.Sprintf("application %q is found by it too, so whom it finds is refused", c.Applications[other[0]].Name))
					}
				}
			}
		}
	}
}

func identifierAt(application int, way string, index int) []any {
	return []any{"applications", application, "identify", way, index}
}

// lowerAll writes host names as they are compared.
func lowerAll(names []string) {
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
}
