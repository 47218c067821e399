//go:build !race

package faults_test

import (
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

func TestNothingFailsAllocatesNothing(t *testing.T) {
	f := newFaults(t, config.FaultPolicy{Native: "replace", Format: "webmethods"})
	x := newExchange()
	h := f.Policy(func(x *exchange.Exchange) error { x.Answer.Status = 200; return nil })
	if n := testing.AllocsPerRun(100, func() { _ = h(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	f.Tell(x, problem.TokenMissing)
	if n := testing.AllocsPerRun(100, func() { f.Tell(x, problem.TokenMissing) }); n > 1 {
		t.Errorf("a failure takes %v allocations", n)
	}
}
