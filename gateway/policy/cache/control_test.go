package cache

import (
	"strings"
	"testing"

	"postern/gateway/wire"
)

func head(fields string) *wire.Head {
	h := new(wire.Head)
	for _, field := range strings.Split(fields, "|") {
		if name, value, ok := strings.Cut(field, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

func TestControl(t *testing.T) {
	none := control{maxAge: unsaid, sMaxAge: unsaid, minFresh: unsaid}
	with := func(change func(*control)) control {
		c := none
		change(&c)
		return c
	}
	for _, tt := range []struct {
		fields string
		want   control
	}{
		{"", none},
		{"Cache-Control: Max-Age=60", with(func(c *control) { c.maxAge = 60 })},
		{`cache-control: max-age="60" , x="a, no-store", S-MaxAge = 5`, with(func(c *control) { c.maxAge, c.sMaxAge = 60, 5 })},
		{"Cache-Control: public|Cache-Control: no-store", with(func(c *control) { c.public, c.noStore = true, true })},
		{`Cache-Control: private="a, b", no-cache="c"`, with(func(c *control) { c.private, c.noCache = true, true })},
		{"Cache-Control: must-revalidate,,min-fresh=7", with(func(c *control) { c.mustRevalidate, c.minFresh = true, 7 })},
		{"Cache-Control: max-age=1, max-age=1", with(func(c *control) { c.maxAge = 1 })},
		{"Cache-Control: max-age=1, max-age=2", with(func(c *control) { c.maxAge, c.broken = 1, true })},
		{"Cache-Control: max-age=-1", with(func(c *control) { c.broken = true })},
		{"Cache-Control: max-age", with(func(c *control) { c.broken = true })},
		{"Cache-Control: max-age=1.5", with(func(c *control) { c.broken = true })},
		{"Cache-Control: max-age=99999999999999999999", with(func(c *control) { c.maxAge = 1 << 31 })},
		{`Cache-Control: x="\", no-store", public`, with(func(c *control) { c.public = true })},
		{`Cache-Control: x="a`, none},
		{"Pragma: no-cache", with(func(c *control) { c.noCache = true })},
		{"Pragma: no-cache|Cache-Control: max-age=5", with(func(c *control) { c.maxAge = 5 })},
	} {
		if got := readControl(head(tt.fields)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.fields, got, tt.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		list string
		want bool
	}{
		{`"1"`, true},
		{`W/"1"`, true},
		{`"0", W/"1"`, true},
		{`"0","1"`, true},
		{`"a,"1"`, false},
		{`1`, false},
		{`"0"`, false},
		{`"1`, false},
		{``, false},
		{`W/`, false},
	} {
		if got := matches([]byte(tt.list), []byte(`"1"`)); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.list, got, tt.want)
		}
		if got := matches([]byte(tt.list), []byte(`W/"1"`)); got != tt.want {
			t.Errorf("%s, weakly: %t, want %t", tt.list, got, tt.want)
		}
	}
}

// What is read of a list is all of it, and ends.
func FuzzControl(f *testing.F) {
	for _, seed := range []string{"", "max-age=60, public", `private="a,b"`, `x="\`, "=,=", `a="`, ",,,", `max-age="1"x,no-store`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c := control{maxAge: unsaid, sMaxAge: unsaid, minFresh: unsaid}
		c.read([]byte(value))
		if c.maxAge < unsaid || c.sMaxAge < unsaid || c.maxAge > maxAge {
			t.Errorf("%q: %+v", value, c)
		}
		low := strings.ToLower(value)
		if strings.TrimSpace(low) == "no-store" && !c.noStore || !strings.Contains(low, "no-store") && c.noStore {
			t.Errorf("%q: no-store %t", value, c.noStore)
		}
		matches([]byte(value), []byte(`"1"`))
	})
}

// A request gets what was kept for it, and one that differs in a field that Vary
// names does not.
func FuzzVary(f *testing.F) {
	f.Add("Accept, X-A", "text/html", "b", "c")
	f.Add("accept,,", "", "", "a")
	f.Add("X-A", "a,b", "a", "b")
	f.Fuzz(func(t *testing.T, vary, a, b, other string) {
		for _, text := range []string{vary, a, b, other} {
			if !wire.Valid(text) || strings.TrimSpace(text) != text {
				return
			}
		}
		var e entry
		e.head.Add("Vary", vary)
		request, more := new(wire.Head), new(wire.Head)
		request.Add("Accept", a)
		request.Add("X-A", b)
		more.Add("Accept", a)
		more.Add("X-A", other)
		e.variation(request)
		if !e.fits(request) {
			t.Errorf("%q: the request itself does not fit", vary)
		}
		byXA := false
		for _, name := range strings.Split(vary, ",") {
			byXA = byXA || strings.EqualFold(strings.TrimSpace(name), "x-a")
		}
		if e.fits(more) != (!byXA || b == other) {
			t.Errorf("%q: X-A %q and %q", vary, b, other)
		}
	})
}
