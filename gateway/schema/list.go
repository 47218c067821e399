package schema

import "strconv"

// listRules are the keywords for lists.
type listRules struct {
	least, most   int // of items; most is -1 without a bound
	prefix        []*Schema
	items         *Schema
	contains      *Schema
	leastContains int
	mostContains  int // -1: no bound
	unique        bool
	unevaluated   *Schema
}

func (c *Check) items(s *Schema, v []any, found *evaluated) bool {
	r := &s.list
	ok := c.size(len(v), r.least, r.most, " items")
	if !ok {
		return false // so many more faults would tell nobody anything
	}
	for i, item := range v {
		schema := r.items
		if i < len(r.prefix) {
			schema = r.prefix[i]
		}
		if schema == nil {
			break
		}
		ok = c.extra(schema, item, token{item: i, list: true}) && ok
		if found != nil {
			found.first = max(found.first, i+1)
		}
		if !ok && c.hurried() {
			return false
		}
	}
	if found != nil && r.items != nil {
		found.all = true
	}
	ok = c.contained(r, v, found) && ok
	return c.distinct(r, v) && ok
}

func (c *Check) contained(r *listRules, v []any, found *evaluated) bool {
	if r.contains == nil {
		return true
	}
	n := 0
	for i, item := range v {
		if c.Fits(r.contains, item) {
			n++
			found.item(i)
		}
	}
	if n < r.leastContains {
		return c.fault("must have at least " + strconv.Itoa(r.leastContains) + " items of a kind (contains)")
	}
	if r.mostContains >= 0 && n > r.mostContains {
		return c.fault("must have at most " + strconv.Itoa(r.mostContains) + " items of a kind (contains)")
	}
	return true
}

// distinct reports an item that stands twice.
func (c *Check) distinct(r *listRules, v []any) bool {
	if !r.unique || len(v) < 2 {
		return true
	}
	seen := make(map[string]bool, len(v))
	for i, item := range v {
		if c.key = c.appendKey(c.key[:0], item); c.steps < 0 {
			return false
		}
		if seen[string(c.key)] {
			return c.fault("item " + strconv.Itoa(i) + " stands there before")
		}
		seen[string(c.key)] = true
	}
	return true
}
