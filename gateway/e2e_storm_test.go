package gateway

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// Two hundred reloads, every other one of a broken file, while requests run: no
// request fails, and nothing is left over from any of them.
func TestReloadStorm(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	keys := "jwks_uri: \"" + i.URL + "/keys\""
	text := orders(u.address, i.URL, keys)
	d := deploy(t, t.TempDir(), text)
	token, forged := key.sign(t, claims(i.URL, nil)), newSigner(t, "k1").sign(t, claims(i.URL, nil))
	wantStatus(t, d.do(ask(token)), 200)

	// Each replaces something else of the generation before.
	good := []string{
		text,
		strings.Replace(text, "/shop\"}]}", "/shop\"}], timeout: 20s}", 1),              // the upstream and its connections
		strings.Replace(text, keys, "clock_skew: 1s, "+keys, 1),                         // the rules of tokens
		strings.Replace(text, keys, "jwks_uri: \""+i.URL+"/keys?more\"", 1),             // the key set
		text + "tokens: {cache: {entries: 1000}}\n",                                     // the verified tokens
		strings.Replace(text, "  resources:", "  resources:\n  - {path: /new}", 1),      // the routes
		strings.Replace(text, "auth_servers:\n- name: corp", "auth_servers:\n"+also, 1), // an auth server more
	}
	broken := []string{"", "\t", "apis: 5", text + "apis: []", strings.Replace(text, "any: [orders]", "any: []", 1), strings.Replace(text, keys, "jwks: nowhere", 1)}

	valid := d.traffic(4, 200, func() string { return ask(token) })
	invalid := d.traffic(1, 401, func() string { return ask(forged) })
	attempts := func() uint64 { last := d.reloader.Last(); return last.Applied + last.Refused }
	cycle := func(n int) {
		for n := range n {
			next := good[n/2%len(good)]
			if n%2 == 1 {
				next = broken[n/2%len(broken)]
			}
			before := attempts()
			d.write("postern.yaml", next)
			d.reloader.Again()
			eventually(t, "an attempt", func() bool { return attempts() > before })
		}
	}
	cycle(2 * len(good)) // what is made once is there from here on
	calm := func() {
		d.applied(func() { d.write("postern.yaml", text); d.reloader.Again() })
		eventually(t, "one upstream connection a caller", func() bool { return u.open.Load() <= 5 })
	}
	calm()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	before := d.reloader.Last()
	cycle(200)
	calm()
	after := d.reloader.Last()
	if applied, refused := after.Applied-before.Applied, after.Refused-before.Refused; applied < 100 || refused < 100 {
		t.Errorf("%d applied and %d refused, want a hundred each", applied, refused)
	}
	eventually(t, "goroutines and descriptors are back", func() bool {
		return runtime.NumGoroutine() <= goroutines+5 && openDescriptors() <= descriptors+5
	})
	if n := valid(); n < 200 {
		t.Errorf("only %d valid requests", n)
	}
	if n := invalid(); n < 50 {
		t.Errorf("only %d invalid requests", n)
	}
}

// also is an auth server in front of corp.
const also = `- {name: also, issuer: "https://also.example.com", local_introspection: {jwks_uri: "https://127.0.0.1:1/keys"}, audience: unchecked}
- name: corp`

// openDescriptors is how many this process has open; 0 where that is not told.
func openDescriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd") // none elsewhere, which compares as equal
	return len(entries)
}
