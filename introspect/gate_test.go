package introspect_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

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

// TestProofsHaveTurnsOfTheirOwn: only holders of good tokens get as far as a
// proof, and a flood of strangers' tokens does not keep them waiting.
func TestProofsHaveTurnsOfTheirOwn(t *testing.T) {
	set, err := introspect.New(introspect.Rules{Tokens: defaults}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer set.Occupy(defaults.Verifications)()
	now := time.Now()
	holder := prover{signer: ecSigner()}
	if err := set.Proofs().Check(t.Context(), holder.have(holder.proof(now, "while all turns are taken")), now); err != nil {
		t.Error(err)
	}
}

// TestProofsOutliveReloads: what was shown before a reload is not shown again
// after it.
func TestProofsOutliveReloads(t *testing.T) {
	first, err := introspect.New(introspect.Rules{Tokens: defaults}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	tokens := defaults
	tokens.Verifications++
	second, err := introspect.New(introspect.Rules{Tokens: tokens}, first, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	holder := prover{signer: ecSigner()}
	have := holder.have(holder.proof(now, "shown before and after"))
	if err := first.Proofs().Check(t.Context(), have, now); err != nil {
		t.Fatal(err)
	}
	if err := second.Proofs().Check(t.Context(), have, now); !errors.Is(err, introspect.ErrReplay) {
		t.Errorf("after a reload: %v", err)
	}
}
