package throttle

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// FuzzKeys reads what strangers send: two requests have the same key exactly when
// they are the same in all of what is counted by, and no key is long.
func FuzzKeys(f *testing.F) {
	f.Add("a", "b", "a", "b", byte(0))
	f.Add("", "ab", "a", "b", byte(1))
	f.Add(string(bytes.Repeat([]byte{'x'}, 65)), "\x01a", string(bytes.Repeat([]byte{'x'}, 64)), "x\x01a", byte(2))
	f.Add("\xfe", "\xff", "", "\xfe\xff", byte(3))
	f.Fuzz(func(t *testing.T, claim1, header1, claim2, header2 string, way byte) {
		cfg := &config.Throttle{
			By:         config.ThrottleBy{"claim:c", "header:X-H", "ip"},
			Missing:    []string{"shared", "ip"}[way&1],
			IPv6Prefix: 64,
		}
		own := []string{"", "partner"}[way>>1&1]
		k := newKeys(cfg)
		key := func(claim, header, own string) []byte {
			x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), Address: netip.MustParseAddr("2001:db8::1")}
			x.Head.Add("X-H", header)
			if claim != "" {
				x.Caller.Claims = map[string]any{"c": claim}
			}
			written, counted := k.append(nil, x, own)
			if !counted || len(written) > 256 {
				t.Fatalf("counted %v, a key of %d bytes", counted, len(written))
			}
			return written
		}
		same := claim1 == claim2 && header1 == header2
		if bytes.Equal(key(claim1, header1, own), key(claim2, header2, own)) != same {
			t.Errorf("%q %q and %q %q: the same key is wrong", claim1, header1, claim2, header2)
		}
		if bytes.Equal(key(claim1, header1, ""), key(claim2, header2, "partner")) {
			t.Error("an application with a counter of its own shares one")
		}
	})
}
