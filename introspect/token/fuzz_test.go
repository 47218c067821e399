package token

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// FuzzDecode: what a stranger wrote is refused, or printed as JSON.
func FuzzDecode(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjoxfQ.")
	f.Add("Bearer e30.eyJleHAiOjFlMzA4fQ.x")
	f.Add("e30=.bnVsbA==.x")
	f.Fuzz(func(t *testing.T, text string) {
		var out, warned bytes.Buffer
		err := Decode{input: input{Token: "-"}}.Run(&kong.Kong{Stdout: &out, Stderr: &warned}, strings.NewReader(text))
		switch {
		case err != nil && out.Len() > 0:
			t.Fatalf("%v, and %q", err, &out)
		case err == nil && (!json.Valid(out.Bytes()) || warned.String() != "NOT VERIFIED\n"):
			t.Fatalf("%q, %q", &out, &warned)
		}
	})
}
