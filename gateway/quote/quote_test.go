package quote_test

import (
	"encoding/json"
	"strings"
	"testing"

	"postern/gateway/quote"
)

func TestAppend(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"a\r\n\x00\x7f", `"a\u000d\u000a\u0000\u007f"`},
		{"grün 🚪", `"grün 🚪"`},
		{"a\xffb", `"a` + "\uFFFD" + `b"`},
		{"cut\xe2\x82", `"cut` + "\uFFFD\uFFFD" + `"`},
	} {
		if got := string(quote.Append([]byte("x"), tt.text)); got != "x"+tt.want {
			t.Errorf("%q: got %s, want x%s", tt.text, got, tt.want)
		}
		if got := string(quote.Append(nil, []byte(tt.text))); got != tt.want {
			t.Errorf("%q as bytes: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, seed := range []string{"", `"`, "\\", "\xf0\x9f\x9a", "a\u2028b", "\x1f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got string
		if err := json.Unmarshal(quote.Append(nil, text), &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if want := strings.ToValidUTF8(text, "\uFFFD"); strings.ReplaceAll(got, "\uFFFD", "") != strings.ReplaceAll(want, "\uFFFD", "") {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}
