//go:build !race

package introspect_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestAllocations(t *testing.T) {
	_, view := open(t, withFile(setOf(rsaSigner(0))))
	cached := rsaSigner(0).token(claims(at, ""))
	forged := signer{"rsa-0", "RS256", rsaKeys()[1]}.token(claims(at, ""))
	for _, tt := range []struct {
		name, token string
		most        float64
	}{
		{"cached", cached, 0},
		{"bad signature", forged, 50},
		{"no token at all", "abc", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := testing.AllocsPerRun(100, func() { _, _ = view.Introspect(context.Background(), tt.token, at) })
			if got > tt.most {
				t.Errorf("%v allocations, want at most %v", got, tt.most)
			}
		})
	}
}

// The bound in bytes is worth what the accounting is.
func TestAccountedBytesAreRealOnes(t *testing.T) {
	for _, tt := range []struct{ name, claims string }{
		{"few claims", ``},
		{"many claims", `,"aud":["a","b"],"scope":"a b c","realm_access":{"roles":["x","y","z"]},"n":1,"o":{"p":{"q":[1,2,3]}}`},
		{"long text", `,"x":"` + strings.Repeat("x", 4000) + `"`},
		{"escaped text", `,"x":"` + strings.Repeat(`\n`, 2000) + `"`},
		{"empty lists", `,"x":[` + strings.Repeat("[],", 1000) + `[]]`},
		{"small objects", `,"x":[` + strings.Repeat(`{"a":1},`, 500) + `{}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 300
			set, view := bounded(t, n, 1<<30)
			tokens := make([]string, n)
			for i := range tokens {
				tokens[i] = edSigner().token(claims(at, fmt.Sprintf(`%s,"jti":"%d"`, tt.claims, i)))
			}
			before := heap()
			for _, token := range tokens {
				if _, err := view.Introspect(context.Background(), token, at); err != nil {
					t.Fatal(err)
				}
			}
			spent, accounted := heap()-before, set.CacheStats().Bytes
			t.Logf("%d bytes a token, %d accounted", spent/n, accounted/n)
			if spent > accounted*5/4 {
				t.Errorf("%d bytes for tokens accounted with %d", spent, accounted)
			}
			runtime.KeepAlive(tokens)
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
