package introspect_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestRefreshAsksAnew: a fetch that had begun before may bring what was there
// before, so it does not count as the refresh.
func TestRefreshAsksAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newIDP(rsaSigner(0))
		p.delay = time.Second
		set, view := openOver(t, p, withURL())
		set.Start()
		defer set.Close()
		synctest.Wait() // the first fetch is under way
		p.change(func(p *idp) { p.body = setOf(rsaSigner(1)) })
		if err := set.Refresh(t.Context(), "corp"); err != nil {
			t.Fatal(err)
		}
		if err := judge(view, rsaSigner(1).token(claims(time.Now(), ""))); err != nil || p.count() != 2 {
			t.Errorf("after %d fetches: %v", p.count(), err)
		}
		if st := set.Status()[0]; st.UnknownKids != 0 {
			t.Errorf("%d unknown kids", st.UnknownKids)
		}
	})
}
