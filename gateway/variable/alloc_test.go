//go:build !race

package variable_test

import (
	"testing"

	"postern/gateway/variable"
)

func TestAppendAllocatesNothing(t *testing.T) {
	for _, place := range []struct {
		kind variable.Kind
		text string
	}{
		{variable.JSON, written},
		{variable.XML, `<a b="${request.headers.X-Hard}">${request.authorization.claims.level} ${response.statusCode}</a>`},
		{variable.Text, "$ERROR_MESSAGE $SERVICE $USER ${request.authorization.audience}"},
	} {
		parsed, err := variable.Parse(place.text, variable.Place{Kind: place.kind, Problem: true})
		if err != nil {
			t.Fatal(err)
		}
		v, dst := values(), make([]byte, 0, 4096)
		if n := testing.AllocsPerRun(100, func() { dst = parsed.Append(dst[:0], v) }); n != 0 {
			t.Errorf("%s: %v allocations", place.text, n)
		}
	}
}
