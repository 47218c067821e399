package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// bounded is a Set whose cache has these bounds. Its key signs fast.
func bounded(t testing.TB, entries int, size config.Size) (*introspect.Set, introspect.Introspector) {
	t.Helper()
	tokens := defaults
	tokens.Cache = config.TokenCache{Entries: entries, Size: size}
	server := withFile(setOf(edSigner()))
	set, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: tokens}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set, viewOf(t, set, server)
}

// numbered is one of many tokens.
func numbered(i int) string { return edSigner().token(claims(at, fmt.Sprintf(`,"jti":"%d"`, i))) }

func TestWhatATokenSays(t *testing.T) {
	tests := []struct {
		name, claims string
		want         introspect.Token
	}{
		{"little", ``, introspect.Token{}},
		{"scope", `,"scope":" a  b "`, introspect.Token{Scopes: []string{"a", "b"}}},
		{"scp as a list", `,"scp":["a","b c"]`, introspect.Token{Scopes: []string{"a", "b c"}}},
		{"scp as text", `,"scp":"a b"`, introspect.Token{Scopes: []string{"a", "b"}}},
		{"scope with other white space", `,"scope":"a\tadmin b\u00a0admin\nadmin c"`, introspect.Token{Scopes: []string{"a\tadmin", "b\u00a0admin\nadmin", "c"}}},
		{"scope before scp", `,"scp":["x"],"scope":"a"`, introspect.Token{Scopes: []string{"a"}}},
		{"scope of another kind", `,"scope":{"a":1}`, introspect.Token{}},
		{"one aud", `,"aud":"orders"`, introspect.Token{Audience: []string{"orders"}}},
		{"aud", `,"aud":["orders","shop"]`, introspect.Token{Audience: []string{"orders", "shop"}}},
	}
	_, view := bounded(t, 100, 1<<20)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.AuthServer, tt.want.Issuer, tt.want.Subject = "corp", issuer, "alice"
			tt.want.Expires, tt.want.Until = at.Add(time.Hour), at.Add(time.Hour+30*time.Second)
			for _, when := range []string{"verified", "cached"} {
				got, err := view.Introspect(context.Background(), edSigner().token(claims(at, tt.claims)), at)
				if err != nil {
					t.Fatal(err)
				}
				said := *got
				said.Claims = nil
				if diff := cmp.Diff(tt.want, said); diff != "" {
					t.Errorf("%s: %s", when, diff)
				}
			}
		})
	}
}

func TestCachedTokenExpires(t *testing.T) {
	set, view := bounded(t, 100, 1<<20)
	token := numbered(0)
	last := at.Add(time.Hour + 30*time.Second) // exp and the clock skew
	for _, tt := range []struct {
		now  time.Time
		want error
	}{{at, nil}, {last.Add(-time.Nanosecond), nil}, {last, introspect.ErrExpired}, {at, nil}} {
		if _, err := view.Introspect(context.Background(), token, tt.now); !errors.Is(err, tt.want) {
			t.Errorf("at %s: %v, want %v", tt.now, err, tt.want)
		}
	}
	if st := set.CacheStats(); st.Hits != 2 || st.Misses != 2 {
		t.Errorf("%d hits, %d misses; want 2 and 2", st.Hits, st.Misses)
	}
}

func TestCacheIsBounded(t *testing.T) {
	tests := []struct {
		name    string
		entries int
		size    config.Size
	}{
		{"by entries", 50, 1 << 30},
		{"by bytes", 10000, 40 << 10},
		{"to one", 1, 1 << 30},
		{"to nothing, by entries", 0, 1 << 30},
		{"to nothing, by bytes", 10000, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, view := bounded(t, tt.entries, tt.size)
			for i := range 500 {
				if _, err := view.Introspect(context.Background(), numbered(i), at); err != nil {
					t.Fatal(err)
				}
				if st := set.CacheStats(); st.Entries > int64(tt.entries) || st.Bytes > int64(tt.size) {
					t.Fatalf("holds %d entries of %d bytes", st.Entries, st.Bytes)
				}
			}
			if st := set.CacheStats(); tt.entries == 50 && (st.Entries < 40 || st.Evicted < 400) {
				t.Errorf("%d entries of 50, %d evicted of 500", st.Entries, st.Evicted)
			}
		})
	}
}

func TestCacheIsBoundedWhileAllWrite(t *testing.T) {
	set, view := bounded(t, 64, 1<<30)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 300 {
				if _, err := view.Introspect(context.Background(), numbered(w*200+i), at); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if n := set.CacheStats().Entries; n > 64 || n < 32 {
		t.Errorf("%d entries, want nearly 64", n)
	}
}

func TestWhatIsUsedStays(t *testing.T) {
	set, view := bounded(t, 100, 1<<30)
	hot := numbered(-1)
	for i := range 2000 {
		for _, token := range []string{numbered(i), hot} {
			if _, err := view.Introspect(context.Background(), token, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if hits := set.CacheStats().Hits; hits < 1800 {
		t.Errorf("%d hits of 2000 for a token in steady use", hits)
	}
}

func TestTokenMayBeBorrowed(t *testing.T) {
	_, view := bounded(t, 100, 1<<20)
	buffer := []byte(numbered(1))
	borrowed := unsafe.String(&buffer[0], len(buffer))
	token, err := view.Introspect(context.Background(), borrowed, at)
	if err != nil {
		t.Fatal(err)
	}
	clear(buffer)
	if token.Subject != "alice" || token.Claims["jti"] != "1" {
		t.Errorf("token changed with its buffer: %+v", token)
	}
	if got, err := view.Introspect(context.Background(), numbered(1), at); err != nil || got != token {
		t.Errorf("not the cached token: %v, %v", got, err)
	}
	if _, err := view.Introspect(context.Background(), borrowed, at); !errors.Is(err, introspect.ErrMalformed) {
		t.Errorf("zeros pass: %v", err)
	}
}

func TestBigClaimsAreAccountedFor(t *testing.T) {
	set, view := bounded(t, 100, 1<<30)
	lists := edSigner().token(claims(at, `,"x":[`+strings.Repeat("[],", 2000)+`[]]`))
	if _, err := view.Introspect(context.Background(), lists, at); err != nil {
		t.Fatal(err)
	}
	if st := set.CacheStats(); st.Bytes < 2000*24 {
		t.Errorf("2000 lists are accounted with %d bytes", st.Bytes)
	}
}
