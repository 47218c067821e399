//go:build !race

package password_test

import (
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestCachedPasswordsAllocateNothing(t *testing.T) {
	v, _ := verifier(defaults())
	all, one, now := users("alice", hashed(t, "s3same", bcrypt.MinCost)), shown("alice", "s3same"), time.Now()
	if err := v.Check(all, one, now); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = v.Check(all, one, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	_ = v.Check(all, shown("alice", "wrong"), now) // now somebody is on the list of those who guess
	if n := testing.AllocsPerRun(100, func() { _ = v.Check(all, one, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
