package archive

// aliasEntries are those that stand for a text or an address; others are told of
// where they are used.
func (c *converter) aliasEntries() (m mapping) {
	for id, a := range c.aliases.all {
		var entry mapping
		switch a.Type {
		case "simple":
			if entry.set("type", "simple"); masked(a.Value) {
				c.tell(named(c.aliases.from[id], "alias "+a.Name), "its value is hidden in the export: state aliases.%s.value", a.Name)
			}
			entry.set("value", a.Value)
		case "endpoint":
			entry.set("type", "endpoint")
			entry.set("endPointURI", a.URI)
		case "authServerAlias":
			continue
		default:
			c.tell(named(c.aliases.from[id], "alias "+a.Name), "aliases of type %s are not taken over", a.Type)
			continue
		}
		m.set(a.Name, entry)
	}
	return m
}
