//go:build !race

package problem_test

import (
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/problem"
)

func TestWriteAllocatesNothing(t *testing.T) {
	var r fasthttp.Response
	id := []byte("0123456789abcdef-1")
	for _, p := range problem.Table() {
		if n := testing.AllocsPerRun(100, func() { p.Write(&r, id) }); n != 0 {
			t.Errorf("%s: telling it allocates %v times", p.Code, n)
		}
	}
}
