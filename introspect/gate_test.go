package introspect_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/introspect"
)

func TestVerificationsAreLimited(t *testing.T) {
	edKey()
	synctest.Test(t, func(t *testing.T) {
		set, view := open(t, withFile(setOf(edSigner())))
		cached := forAnHour(edSigner())
		if err := judge(view, cached); err != nil {
			t.Fatal(err)
		}
		release := set.Occupy(defaults.Verifications)
		fresh := edSigner().token(claims(time.Now(), `,"jti":"fresh"`))
		begun := time.Now()
		if err := judge(view, fresh); !errors.Is(err, introspect.ErrBusy) {
			t.Errorf("with all turns taken: %v", err)
		}
		if waited := time.Since(begun); waited != 100*time.Millisecond {
			t.Errorf("waited %s, want 100ms", waited)
		}
		begun = time.Now()
		if err := judge(view, cached); err != nil || time.Since(begun) > 0 {
			t.Errorf("cached token: %v after %s", err, time.Since(begun))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := view.Introspect(gone, fresh, time.Now()); !errors.Is(err, context.Canceled) {
			t.Errorf("caller that left: %v", err)
		}
		time.AfterFunc(50*time.Millisecond, release)
		if err := judge(view, fresh); err != nil {
			t.Errorf("with turns given back in time: %v", err)
		}
	})
}

func TestTheQueueIsLimited(t *testing.T) {
	edKey()
	synctest.Test(t, func(t *testing.T) {
		set, view := open(t, withFile(setOf(edSigner())))
		release := set.Occupy(defaults.Verifications)
		defer release()
		token, limit := forAnHour(edSigner()), 64*defaults.Verifications
		var callers sync.WaitGroup
		for range limit {
			callers.Go(func() { _ = judge(view, token) })
		}
		synctest.Wait()
		if n := set.Waiting(); n != limit {
			t.Fatalf("%d wait, want %d", n, limit)
		}
		begun := time.Now()
		if err := judge(view, token); !errors.Is(err, introspect.ErrBusy) || time.Since(begun) > 0 {
			t.Errorf("one more: %v after %s, want a refusal at once", err, time.Since(begun))
		}
		callers.Wait()
	})
}
