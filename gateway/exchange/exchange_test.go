package exchange_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
)

func TestChainPutsTheFirstPolicyOutermost(t *testing.T) {
	var order []string
	named := func(name string) exchange.Policy {
		return func(next exchange.Handler) exchange.Handler {
			return func(x *exchange.Exchange) error {
				order = append(order, name)
				defer func() { order = append(order, name) }()
				return next(x)
			}
		}
	}
	last := func(*exchange.Exchange) error { order = append(order, "last"); return nil }
	if err := exchange.Chain(last, named("a"), named("b"))(new(exchange.Exchange)); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, " "), "a b last b a"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestFinishRunsEverythingOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		panics bool
		want   []string
	}{
		{"in order", false, []string{"third 200", "second 200", "first 200", "done 200"}},
		{"although one panics", true, []string{"third 200", "first 200", "done 200"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			note := func(name string, e exchange.End) {
				got = append(got, name+" "+strconv.Itoa(e.Status))
			}
			x := new(exchange.Exchange)
			x.Done = func(_ *exchange.Exchange, e exchange.End) { note("done", e) }
			x.AtEnd(func(e exchange.End) { note("first", e) })
			x.AtEnd(func(e exchange.End) {
				if tt.panics {
					panic("second")
				}
				note("second", e)
			})
			x.AtEnd(func(e exchange.End) { note("third", e) })
			finish := func() {
				defer func() {
					if p := recover(); (p != nil) != tt.panics {
						t.Errorf("panic %v", p)
					}
				}()
				x.Finish(exchange.End{Status: 200})
			}
			finish()
			x.Finish(exchange.End{Status: 200})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestResetForgetsTheRequest(t *testing.T) {
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	http := x.HTTP
	x.ID, x.Path, x.API, x.Reason = append(x.ID, "id"...), append(x.Path, "/a"...), "a/1", "why"
	x.Caller.Subject, x.Trusted, x.Attempts, x.Answer.Status = "alice", true, 2, 200
	x.Head.Add("X-User", "alice")
	x.Answer.Head.Add("X-Answer", "1")
	x.AtEnd(func(exchange.End) { t.Error("an AtEnd function outlived its exchange") })
	x.Reset()
	x.Finish(exchange.End{})
	if x.HTTP != http || len(x.ID)+len(x.Path) > 0 || x.API != "" || x.Reason != "" || x.Caller.Subject != "" ||
		x.Trusted || x.Attempts != 0 || x.Answer.Status != 0 || x.Head.Get("X-User") != nil || x.Answer.Head.Get("X-Answer") != nil {
		t.Errorf("left over: %+v", x)
	}
}
