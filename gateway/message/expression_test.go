package message_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/message"
	"postern/gateway/problem"
)

// first compiles a path and finds with it.
func first(t testing.TB, path string) func(*message.Message) (string, bool, error) {
	t.Helper()
	e, err := message.JSONPath(path)
	if err != nil {
		t.Fatal(err)
	}
	return e.First
}

// found is all that an expression finds in a body.
func found(t testing.TB, e *message.Expression, kind, body string) (all []string, err error) {
	t.Helper()
	m, err := message.New(1<<22, 1<<28).Request(posted(t, kind, body))
	if err != nil {
		t.Fatal(err)
	}
	err = e.Find(m, func(value string) bool {
		all = append(all, value)
		return true
	})
	return all, err
}

func check(t *testing.T, got []string, err error, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestJSONPath(t *testing.T) {
	// The store of RFC 9535, figure 1, and odd names.
	const store = `{"store": {"book": [
		{"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
		{"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
		{"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
		{"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99}],
		"bicycle": {"color": "red", "price": 399, "new": true, "owner": null}},
		"partner": "acme", "a.b": "dotted", "grün": "ü", "n": 12345678901234567890, "x": 1.50}`
	for _, tt := range []struct {
		path string
		want []string
	}{
		{"$.partner", []string{"acme"}},
		{"$['partner']", []string{"acme"}},
		{`$["a.b"]`, []string{"dotted"}},
		{"$.grün", []string{"ü"}},
		{"$.n", []string{"12345678901234567890"}},
		{"$.x", []string{"1.50"}},
		{"$.store.bicycle.new", []string{"true"}},
		{"$.store.bicycle.owner", nil},
		{"$.store.bicycle", nil},
		{"$.missing", nil},
		{"$.store.book[*].author", []string{"Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"}},
		{"$.store.book[*]['author']", []string{"Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"}},
		{"$..author", []string{"Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"}},
		{"$..book[2].title", []string{"Moby Dick"}},
		{"$..book[-1].title", []string{"The Lord of the Rings"}},
		{"$..book[0,1].title", []string{"Sayings of the Century", "Sword of Honour"}},
		{"$..book[:2].title", []string{"Sayings of the Century", "Sword of Honour"}},
		{"$..book[?@.isbn].title", []string{"Moby Dick", "The Lord of the Rings"}},
		{"$.store.book[?(@.price < 10)].title", []string{"Sayings of the Century", "Moby Dick"}},
		{"$.store.book[?@.category == 'fiction' && @.price > 20].price", []string{"22.99"}},
		{"$.store.book[?@.price == 12.99].author", []string{"Evelyn Waugh"}},
		{"$.store.book[?match(@.author, 'H.*')].title", []string{"Moby Dick"}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			e, err := message.JSONPath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := found(t, e, "application/json", store)
			check(t, got, err, tt.want...)
		})
	}
	e, err := message.JSONPath("[*]['id']")
	if err != nil {
		t.Fatal(err)
	}
	got, err := found(t, e, "application/json", `[{"id": 1}, {"id": "b"}, {}]`)
	check(t, got, err, "1", "b")
}

func TestJSONIsStrict(t *testing.T) {
	e, err := message.JSONPath("$.a")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, body string
		want       error
	}{
		{"empty", "", message.ErrMalformed},
		{"not JSON", "a=b", message.ErrMalformed},
		{"a comment", `{"a":1} // x`, message.ErrMalformed},
		{"two values", `{"a":1} {"a":2}`, message.ErrMalformed},
		{"a member twice", `{"a":"acme","a":"other"}`, message.ErrMalformed},
		{"a member twice, escaped", `{"a":"acme","\u0061":"other"}`, message.ErrMalformed},
		{"not UTF-8", "{\"a\":\"\xff\"}", message.ErrMalformed},
		{"cut", `{"a":"b"`, message.ErrMalformed},
		{"deep", strings.Repeat("[", 200) + strings.Repeat("]", 200), message.ErrTooMuch},
		{"very deep", strings.Repeat("[", 1_000_000), message.ErrTooMuch},
		{"many values", "[" + strings.Repeat("0,", 300_000) + "0]", message.ErrTooMuch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := found(t, e, "application/json", tt.body); got != nil || !errors.Is(err, tt.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

const order = `<?xml version="1.0" encoding="UTF-8"?>
<!-- an order -->
<o:order xmlns:o="urn:x" xmlns="urn:y" id="7" o:id="8"><o:partner>ac<![CDATA[me]]></o:partner>
<line n="1">pen</line><line n="2">ink &amp; paper</line><plain xmlns=""><deep>d</deep></plain></o:order>`

func TestXPath(t *testing.T) {
	spaces := map[string]string{"a": "urn:x", "b": "urn:y"}
	for _, tt := range []struct {
		path string
		want []string
	}{
		{"/a:order/a:partner", []string{"acme"}},
		{"/a:order/a:partner/text()", []string{"acme"}},
		{"//b:line", []string{"pen", "ink & paper"}},
		{"//b:line[@n='2']", []string{"ink & paper"}},
		{"//b:line[2]/@n", []string{"2"}},
		{"/a:order/@id", []string{"7"}},
		{"/a:order/@a:id", []string{"8"}},
		{"//plain/deep", []string{"d"}},
		{"//plain", []string{"d"}},
		{"/order/partner", nil},
		{"//line", nil}, // it is in urn:y
		{"//b:partner", nil},
		{"count(//b:line)", []string{"2"}},
		{"string(//b:line)", []string{"pen"}},
		{"boolean(//b:line)", []string{"true"}},
		{"//*[local-name()='line']", []string{"pen", "ink & paper"}},
		{"//b:line/preceding-sibling::a:partner", []string{"acme"}},
		{"//deep/ancestor::a:order/@id", []string{"7"}},
		{"//comment()", []string{" an order "}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			e, err := message.XPath(tt.path, spaces)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // an expression that was used is as good as a new one
				got, err := found(t, e, "text/xml", order)
				check(t, got, err, tt.want...)
			}
		})
	}
}

func TestXMLIsStrict(t *testing.T) {
	e, err := message.XPath("/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, body string
		want       error
	}{
		{"empty", "", message.ErrMalformed},
		{"not XML", "{}", message.ErrMalformed},
		{"a document type", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, message.ErrMalformed},
		{"an external entity", `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, message.ErrMalformed},
		{"an unknown entity", `<a>&x;</a>`, message.ErrMalformed},
		{"two elements", `<a/><a/>`, message.ErrMalformed},
		{"text around", `<a/>b`, message.ErrMalformed},
		{"not closed", `<a>`, message.ErrMalformed},
		{"closed by another", `<a></b>`, message.ErrMalformed},
		{"closed too often", `<a/></a>`, message.ErrMalformed},
		{"an attribute twice", `<a x="1" x="2"/>`, message.ErrMalformed},
		{"an attribute twice by namespace", `<a xmlns:p="u" xmlns:q="u" p:x="1" q:x="2"/>`, message.ErrMalformed},
		{"a prefix that is not declared", `<p:a/>`, message.ErrMalformed},
		{"a prefix that was declared elsewhere", `<a><b xmlns:p="u"/><p:c/></a>`, message.ErrMalformed},
		{"not UTF-8", "<a>\xff</a>", message.ErrMalformed},
		{"deep", strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200), message.ErrTooMuch},
		{"many nodes", "<a>" + strings.Repeat("<b/>", 300_000) + "</a>", message.ErrTooMuch},
		{"many attributes", "<a " + manyAttributes(300) + "/>", message.ErrTooMuch},
		{"many namespaces", "<a " + strings.ReplaceAll(manyAttributes(300), "a", "xmlns:a") + "/>", message.ErrTooMuch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := found(t, e, "text/xml", tt.body); got != nil || !errors.Is(err, tt.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + `="1"`)
	}
	return b.String()
}

// TestXPathIsBounded: what would take minutes ends with an error.
func TestXPathIsBounded(t *testing.T) {
	wide := "<a>" + strings.Repeat("<b>x</b>", 50_000) + "</a>"
	for _, path := range []string{"//b[count(preceding::b) > 1000000]", "//b/following::b | //b", "//b[string-length(string(/a)) = 1]"} {
		t.Run(path, func(t *testing.T) {
			e, err := message.XPath(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := found(t, e, "text/xml", wide); !errors.Is(err, message.ErrTooMuch) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRegex(t *testing.T) {
	for _, tt := range []struct {
		pattern, body string
		want          []string
	}{
		{`partner=(\w+)`, "a=b&partner=acme&c=d", []string{"acme"}},
		{`partner=\w+`, "partner=acme partner=b", []string{"partner=acme", "partner=b"}},
		{`x(y)?`, "xy x", []string{"y"}},
		{`a`, "b", nil},
		{`^\x80`, "\x80", nil}, // of characters, not of bytes
		{`grün`, "gr\xc3\xbcn", []string{"grün"}},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			e, err := message.Regex(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			got, err := found(t, e, "text/plain", tt.body)
			check(t, got, err, tt.want...)
		})
	}
	e, err := message.Regex(`(a|b|c|d|e){100}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := found(t, e, "text/plain", strings.Repeat("a", 1<<21)); !errors.Is(err, message.ErrTooMuch) {
		t.Errorf("a large expression on a large text: %v", err)
	}
	if e, err = message.Regex(`a.*b|a`); err != nil { // looks over all of the text for each match
		t.Fatal(err)
	}
	if _, err := found(t, e, "text/plain", strings.Repeat("a", 1<<21)); !errors.Is(err, message.ErrTooMuch) {
		t.Errorf("the square of a text: %v", err)
	}
}

func TestCompile(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  func() error
		want string
	}{
		{"a path without $", jsonPath("partner"), "begins with $"},
		{"an empty path", jsonPath(""), "begins with $"},
		{"a path of the current node", jsonPath("@.a"), "begins with $"},
		{"a broken path", jsonPath("$.a["), "no JSONPath"},
		{"two descents", jsonPath("$..a..b"), "more than one"},
		{"a descent in a filter", jsonPath("$..a[?@..b]"), "more than one"},
		{"the document in a filter", jsonPath("$.a[?@.b == $.c]"), "whole document"},
		{"dots in quotes", jsonPath("$..['a..b']['$']"), ""},
		{"a script", jsonPath("$.a[(@.length-1)]"), "no JSONPath"},
		{"a long path", jsonPath("$." + strings.Repeat("a", 1000)), "1000 characters"},
		{"a pattern in the body", jsonPath("$.a[?match(@.b, @.c)]"), "must stand in the expression"},
		{"a pattern in the body, by an operator", jsonPath("$.a[?(@.b =~ @.c)]"), "must stand in the expression"},
		{"a pattern", jsonPath("$.a[?search(@.b, 'c,d') && @.e =~ /f/]"), ""},
		{"a pattern in the document", xPath("//a[matches(string(b, 1), c)]"), "must stand in the expression"},
		{"a replacement by the document", xPath("replace (/a, concat('b', /c), 'd')"), "must stand in the expression"},
		{"a pattern of XPath", xPath("//a[matches(concat(b, c), '^(d)')]"), ""},
		{"a broken XPath", xPath("/a["), "no XPath"},
		{"an empty XPath", xPath(""), "no XPath"},
		{"a prefix that is not declared", xPath("/b:a"), "no XPath"},
		{"an unknown function", xPath("frobnicate()"), "no XPath"},
		{"a variable", xPath("$a"), "no XPath"},
		{"a broken expression", regex("("), "no regular expression"},
		{"a large expression", regex("((a{100}){10}){10}"), "regular expression"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.err(); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func jsonPath(text string) func() error {
	return func() error { _, err := message.JSONPath(text); return err }
}

func xPath(text string) func() error {
	return func() error { _, err := message.XPath(text, map[string]string{"a": "urn:a"}); return err }
}

func regex(text string) func() error {
	return func() error { _, err := message.Regex(text); return err }
}

func TestUnreadableTextIsAProblem(t *testing.T) {
	for _, compile := range []func() (*message.Expression, error){
		func() (*message.Expression, error) { return message.JSONPath("$.a") },
		func() (*message.Expression, error) { return message.XPath("/a", nil) },
		func() (*message.Expression, error) { return message.Regex("a") },
	} {
		e, err := compile()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := found(t, e, "text/plain; charset=big5", "a"); !errors.Is(err, problem.UnsupportedMediaType) {
			t.Errorf("%s: %v", e, err)
		}
	}
}
