package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"postern/introspect"
)

func TestRotation(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		old := forAnHour(rsaSigner(0))
		if err := judge(view, old); err != nil {
			t.Fatal(err)
		}
		p.change(func(p *idp) { p.body = setOf(rsaSigner(0), rsaSigner(1)) })
		if err := judge(view, forAnHour(rsaSigner(1))); err != nil {
			t.Errorf("token of the new key: %v", err)
		}
		hits := set.CacheStats().Hits
		if err := judge(view, old); err != nil || set.CacheStats().Hits != hits+1 {
			t.Errorf("token of the old key, cached before: %v", err)
		}
		p.change(func(p *idp) { p.body = setOf(rsaSigner(1)) })
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if err := judge(view, old); !errors.Is(err, introspect.ErrKey) {
			t.Errorf("cached token of a key that left: %v", err)
		}
		if n := set.CacheStats().Entries; n != 1 {
			t.Errorf("%d cached tokens, want that of the remaining key", n)
		}
	})
}

func TestAKeyChangedUnderItsKid(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		old, fresh := forAnHour(rsaSigner(0)), signer{"rsa-0", "RS256", rsaKeys()[1]}
		if err := judge(view, old); err != nil {
			t.Fatal(err)
		}
		p.change(func(p *idp) { p.body = setOf(fresh) })
		if err := set.Refresh(t.Context(), "corp"); err != nil {
			t.Fatal(err)
		}
		if err := judge(view, old); !errors.Is(err, introspect.ErrSignature) {
			t.Errorf("token of the old key: %v", err)
		}
		if err := judge(view, forAnHour(fresh)); err != nil {
			t.Errorf("token of the new key: %v", err)
		}
	})
}

func TestRotationWithoutKids(t *testing.T) {
	bare := func(n int) string { return rsaSigner(n).sign(`{"alg":"RS256"}`, claims(time.Now(), "")) }
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, _ *introspect.Set, view introspect.Introspector) {
		p.change(func(p *idp) { p.body = setOf(rsaSigner(1)) })
		if err := judge(view, bare(1)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		before := p.count()
		for range 100 {
			if err := judge(view, bare(2)); !errors.Is(err, introspect.ErrSignature) {
				t.Fatal(err)
			}
		}
		if n := p.count() - before; n != 1 {
			t.Errorf("%d fetches for 100 bad tokens, want 1", n)
		}
	})
}

func TestUnknownKidFlood(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		flood := func(n int) {
			for i := range n {
				kid := signer{fmt.Sprint(time.Now().UnixNano(), "-", i), "EdDSA", edKey()}
				if err := judge(view, forAnHour(kid)); !errors.Is(err, introspect.ErrKey) {
					t.Fatalf("unknown kid: %v", err)
				}
			}
		}
		for range 4 {
			if err := judge(view, forAnHour(rsaSigner(2))); !errors.Is(err, introspect.ErrKey) {
				t.Fatal(err)
			}
		}
		if n := p.count(); n != 2 {
			t.Errorf("%d fetches for one kid asked for four times, want the first and one more", n)
		}
		flood(2000)
		if n := p.count(); n != 4 {
			t.Errorf("%d fetches after a flood, want the first and a bucket of 3", n)
		}
		time.Sleep(30 * time.Second)
		flood(100)
		if n := p.count(); n != 5 {
			t.Errorf("%d fetches 30s later, want one more", n)
		}
		time.Sleep(4 * time.Minute)
		flood(100)
		if n := p.count(); n != 8 {
			t.Errorf("%d fetches with the bucket full again, want 3 more", n)
		}
		if n := set.Status()[0].UnknownKids; n != 2204 {
			t.Errorf("%d unknown kids counted, want 2204", n)
		}
		// The flood does not keep a key out that is published later.
		p.change(func(p *idp) { p.body = setOf(rsaSigner(0), rsaSigner(2)) })
		time.Sleep(31 * time.Second)
		if err := judge(view, forAnHour(rsaSigner(2))); err != nil {
			t.Errorf("published kid: %v", err)
		}
	})
}

// held is a context that lets go of its user once, after what happens meanwhile.
type held struct {
	context.Context
	meanwhile func()
}

func (h *held) Deadline() (time.Time, bool) {
	if f := h.meanwhile; f != nil {
		h.meanwhile = nil
		f()
	}
	return h.Context.Deadline()
}

// Many see at once that a key is missing. One that comes to ask for it when
// another has brought it spends no fetch: they are counted, and the next key needs
// one.
func TestALatecomerSpendsNoFetch(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, _ *introspect.Set, view introspect.Introspector) {
		fresh := rsaSigner(1)
		p.change(func(p *idp) { p.body = setOf(rsaSigner(0), fresh) })
		ctx := &held{t.Context(), func() {
			if err := judge(view, forAnHour(fresh)); err != nil {
				t.Errorf("who comes first: %v", err)
			}
		}}
		if _, err := view.Introspect(ctx, fresh.token(claims(time.Now(), `,"jti":"late"`)), time.Now()); err != nil {
			t.Errorf("who comes late: %v", err)
		}
		if n := p.count(); n != 2 || ctx.meanwhile != nil {
			t.Errorf("%d fetches, want the first and one for the new key", n)
		}
	})
}
