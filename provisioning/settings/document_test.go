package settings

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDocument(t *testing.T) {
	type object = map[string]any
	for _, tt := range []struct {
		name, text string
		want       any
		fault      string
	}{
		{"JSON", "{\"a\":\t[1.50, true, null, \"\\ud83d\\ude00\\/\"]}", object{"a": []any{json.Number("1.50"), true, nil, "😀/"}}, ""},
		{"JSON, a member twice", `{"a": 1, "\u0061": 2}`, nil, `"a" stands twice in an object`},
		{"YAML", "a: [1, 0x10, .5, 1e3, yes, True, ~, 2026-11-25, '1', 0o7]\n200: {b: c}\n", object{
			"a": []any{json.Number("1"), json.Number("16"), json.Number("0.5"), json.Number("1e3"), "yes", true, nil, "2026-11-25", "1", json.Number("7")}, "200": object{"b": "c"},
		}, ""},
		{"a large number", "a: 12345678901234567890123\nb: 0.10\n", object{"a": json.Number("12345678901234567890123"), "b": json.Number("0.10")}, ""},
		{"aliases", "a: &x {b: 1}\nc: *x\n", object{"a": object{"b": json.Number("1")}, "c": object{"b": json.Number("1")}}, ""},
		{"a key twice", "a: 1\nb: {c: 1, c: 2}\n", nil, `line 2: key "c" stands twice`},
		{"merge keys", "a: {<<: {b: 1}}\n", nil, "line 1: merge keys are not supported in definitions"},
		{"a key that is no text", "? [a]\n: 1\n", nil, "line 1: a key must be text"},
		{"no number of JSON", "a: .inf\n", nil, `line 1: ".inf" is not a number of JSON`},
		{"itself", "a: &x [*x]\n", nil, "nested too deeply, or too many values"},
		{"nested", strings.Repeat("[", 300) + strings.Repeat("]", 300), nil, "nested too deeply, or too many values"},
		{"nested JSON", `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", nil, "nested too deeply, or too many values"},
		{"laughs", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", nil, "nested too deeply, or too many values"},
		{"nothing", " \n", nil, "is empty"},
		{"no YAML", "a: 1\nb: c: d\n", nil, "line 2: not YAML: mapping values are not allowed in this context; is the line indented as those beside it, and has the one above its colon? A text with a colon is quoted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := document([]byte(tt.text))
			if tt.fault != "" {
				if err == nil || err.Error() != tt.fault {
					t.Errorf("%v, want %s", err, tt.fault)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func FuzzDocument(f *testing.F) {
	for _, text := range []string{`{"a": [1, {"b": null}]}`, "a: &x [1, .5]\nb: *x\n", "- ~\n- 0x1\n", "? a\n: b\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := document(text)
		if err != nil {
			return
		}
		if _, err := json.Marshal(root); err != nil {
			t.Errorf("no JSON: %v", err)
		}
		references("a", root)
	})
}
