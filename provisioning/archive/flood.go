package archive

// flood translates the protection against too many requests of one address, or of
// all together.
func flood(t *translation, at string, a *parameter) {
	t.ignored(at, a, "limitBy", "isDOSEnabled", "maximumRequests", "requestsPerSeconds", "inProgressRequests", "whenLimitExceeds", "blockInterval", "customErrorMessage", "trustedIPRange")
	if !a.truth("isDOSEnabled", true) {
		t.tell(at, "it is switched off, and is left out")
		return
	}
	per := atLeastOne(a.text("requestsPerSeconds"))
	count, ok := number(a.text("maximumRequests"))
	seconds, also := number(per)
	if !ok || !also || count < 1 || seconds < 1 {
		t.refuse(at, "a limit of %s requests in %s seconds is not known", shorten(a.text("maximumRequests")), shorten(per))
		return
	}
	m := mapping{{key: "requests", value: count}, {key: "per", value: per + "s"}}
	switch by := a.text("limitBy"); by {
	case "IP":
		m.set("by", []string{"ip"})
	case "GLOBALIP":
		t.tell(at, "it counts each API by itself")
	default:
		t.refuse(at, "a limit by %s is not known", shorten(by))
		return
	}
	t.throttles = append(t.throttles, m)
	for _, key := range []struct{ name, instead string }{
		{"inProgressRequests", "state concurrency"},
		{"whenLimitExceeds", "callers are refused until the limit has room again"},
		{"blockInterval", "callers are refused until the limit has room again"},
		{"customErrorMessage", "state faults"},
		{"trustedIPRange", "those addresses are limited, too"},
	} {
		if value := a.text(key.name); value != "" && value != "0" {
			t.tell(at, "nothing is done for %s: %s", key.name, key.instead)
		}
	}
}
