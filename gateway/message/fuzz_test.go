package message_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/message"
)

func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{`{"a":[{"b":1},{"b":"x"}],"c":{"a":1.5}}`, `[{"id":1}]`, order, `<a b="c">d<e/></a>`, "partner=acme", "\xff\xfea\x00", `[-0.5e+7, 0, 10, "\\u00e9\\ud83d\\ude00\\n", {"":null}, true, false]`, "[1,]", "01", `"\\x"`, "\x00"} {
		f.Add([]byte(seed), "")
	}
	f.Add([]byte("\x1f\x8b\x08"), "gzip")
	f.Add([]byte("\x28\xb5\x2f\xfd"), "zstd")
	f.Add([]byte("\x0b\x02\x80"), "br")
	var all []*message.Expression
	add := func(e *message.Expression, err error) {
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, e)
	}
	for _, path := range []string{"$.a", "[*]['id']", "$..b", "$.a[?@.b > 0].b", "$..[?@.a == 'x']", "$.a[-1:]", "$.a[::2]", "$..*", "$[?length(@) > 1]", "$[?search(@, 'x')]"} {
		add(message.JSONPath(path))
	}
	for _, path := range []string{"/a", "//e/..", "//*[@b]", "//a[last()]", "count(//*)", "string(//e)", "//a/following-sibling::*", "//text() | //@*", "sum(//a) + 1", "substring(/a, 2, 1)", "/o:order/o:partner"} {
		add(message.XPath(path, map[string]string{"o": "urn:x"}))
	}
	add(message.Regex(`partner=(\w+)`))
	bodies := message.New(1<<16, 1<<24)
	f.Fuzz(func(t *testing.T, body []byte, coding string) {
		if len(body) > 1<<16 || !valid(coding) {
			return
		}
		x := posted(t, "text/plain\r\nContent-Encoding: "+coding, string(body))
		m, err := bodies.Request(x)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			_ = e.Find(m, func(string) bool { return true }) // an error is as good; a panic or a hang is not
		}
		agrees(t, m)
		if sent := rest(t, x.Body); sent != string(body) {
			t.Error("it is not sent as it came")
		}
		x.Finish(exchange.End{})
		if held := bodies.Held(); held != 0 {
			t.Errorf("%d bytes are still held", held)
		}
	})
}

// valid reports whether coding may stand in a field.
func valid(coding string) bool {
	return !strings.ContainsFunc(coding, func(r rune) bool { return r < ' ' || r > '~' }) && len(coding) < 100
}

// agrees compares what was read with what the standard library reads.
func agrees(t *testing.T, m *message.Message) {
	t.Helper()
	text, err := m.Text()
	if err != nil {
		return
	}
	got, err := m.JSON()
	switch good := json.Valid(text) && utf8.Valid(text); {
	case errors.Is(err, message.ErrTooMuch):
		return
	case err != nil && good && !strings.Contains(err.Error(), "twice"), err == nil && !good:
		t.Errorf("%q: %v", text, err)
	}
	if err != nil {
		return
	}
	var want any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-standard +ours):\n%s", diff)
	}
}

// TestJSONAgreesWithTheStandardLibrary reads many texts that are nearly JSON.
func TestJSONAgreesWithTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const marks = "{}[]:,\"\\ \t\n\r0123456789-+.eEtruefalsnu/bx\x00\x1f\x7f\xc3\xa9"
	seeds := []string{
		`{"a":[{"b":1},{"b":"x"}],"c":{"a":-1.5e-7}}`, `[-0.5e+7, 0, 10, "\u00e9\ud83d\ude00\n", {"":null}, true, false]`, ` "a\"b\\" `, "[[],{}]", "-0",
	}
	bodies := message.New(1<<16, 1<<24)
	for range 30_000 {
		text := []byte(seeds[random.IntN(len(seeds))])
		for range random.IntN(4) {
			at, mark := random.IntN(len(text)+1), marks[random.IntN(len(marks))]
			switch {
			case at == len(text) || random.IntN(3) == 0:
				text = slices.Insert(text, at, mark)
			case random.IntN(2) == 0:
				text[at] = mark
			default:
				text = slices.Delete(text, at, at+1)
			}
		}
		x := posted(t, "application/json", string(text))
		m, err := bodies.Request(x)
		if err != nil {
			t.Fatal(err)
		}
		agrees(t, m)
		x.Finish(exchange.End{})
		if t.Failed() {
			return
		}
	}
}
