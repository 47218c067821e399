package message_test

import (
	"encoding/json"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/provisioning/config"
)

// FuzzMaskJSON: what comes of JSON is JSON, a path finds nothing in it but the
// mask, as many as before, and what is removed is away.
func FuzzMaskJSON(f *testing.F) {
	for _, seed := range []string{spaced, `{"a":{"b":1,"a":[1,2,{"b":"\u0062"}]},"b":null}`, `[[1],[2,[3]]]`, `{"\u0061":[],"":{}}`, `"a"`, ` [ { } , { "b" : [ ] } ] `, `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	paths := []string{"$", "$.a", "$..b", "$.a.b", "$.*", "$[*]", "$[-1:]", "$[0,'a']", "$..[0]", "$[?@.b]", "$.a[1::2]"}
	var masks, removals []*message.Masking
	for _, path := range paths {
		masks = append(masks, masking(f, config.MaskRule{JSONPath: path})...)
	}
	for _, path := range paths[1:] {
		removals = append(removals, masking(f, config.MaskRule{JSONPath: path, Action: "filter"})...)
	}
	bodies := message.New(1<<16, 1<<24)
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<12 {
			return
		}
		for i, k := range masks {
			text, values, ok := masked(t, bodies, k, message.AsJSON, body)
			if !ok {
				return
			}
			if !json.Valid(text) {
				t.Fatalf("%q: %q", paths[i], text)
			}
			if filtered := paths[i] == "$[?@.b]"; filtered {
				continue // no longer finds what has lost its members
			}
			if shown := foundIn(t, bodies, paths[i], text); len(shown) < values {
				t.Errorf("%s: %d values are hidden, %q found in %q", paths[i], values, shown, text)
			} else {
				for _, value := range shown {
					if value != "***" {
						t.Errorf("%s shows %q in %q of %q", paths[i], value, text, body)
					}
				}
			}
		}
		for i, k := range removals {
			text, _, ok := masked(t, bodies, k, message.AsJSON, body)
			if ok && !json.Valid(text) {
				t.Errorf("%s: %q of %q", paths[i+1], text, body)
			}
			switch paths[i+1] {
			case "$.a", "$..b", "$.a.b", "$.*", "$[*]":
				if shown := foundIn(t, bodies, paths[i+1], text); ok && len(shown) > 0 {
					t.Errorf("%s shows %q in %q of %q", paths[i+1], shown, text, body)
				}
			}
		}
	})
}

// masked is what one masking makes of a text; ok is false for one that is refused.
func masked(t *testing.T, bodies *message.Bodies, k *message.Masking, as message.Form, body []byte) (text []byte, values int, ok bool) {
	t.Helper()
	x := posted(t, "text/plain", string(body))
	defer x.Finish(exchange.End{})
	m, err := bodies.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	text, values, err = m.Mask([]*message.Masking{k}, as)
	return append([]byte(nil), text...), values, err == nil
}

// foundIn is what an expression finds.
func foundIn(t *testing.T, bodies *message.Bodies, path string, text []byte) (found []string) {
	t.Helper()
	var e *message.Expression
	var err error
	if path[0] == '$' {
		e, err = message.JSONPath(path)
	} else {
		e, err = message.XPath(path, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	x := posted(t, "text/plain", string(text))
	defer x.Finish(exchange.End{})
	m, err := bodies.Request(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Find(m, func(value string) bool { found = append(found, value); return true }); err != nil && len(text) > 0 {
		t.Errorf("%q: %v", text, err)
	}
	return found
}

// FuzzMaskXML is the same for XML.
func FuzzMaskXML(f *testing.F) {
	for _, seed := range []string{
		`<a b="c">d<e/></a>`, `<?xml version="1.0"?><x><a b='1' >1<a>2</a><![CDATA[3]]></a><!-- c --><a/><e b = ">"/></x>`,
		`<x xmlns="urn:x" xmlns:b="urn:b"><b:a b:b="1" b="2"/></x>`, `<x xmlns: ="" b="1"/>`, `<a>&amp;&#65;<?p i?>b</a>`, "<a\tb\n=\r'1'/>",
	} {
		f.Add([]byte(seed))
	}
	paths := []string{"//a", "//@b", "//text()", "/*", "//e/..", "//*[@b]", "//comment()", "//a/text() | //a"}
	var masks, removals []*message.Masking
	for _, path := range paths {
		masks = append(masks, masking(f, config.MaskRule{XPath: path})...)
		removals = append(removals, masking(f, config.MaskRule{XPath: path, Action: "filter"})...)
	}
	bodies := message.New(1<<16, 1<<24)
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<12 {
			return
		}
		for i, k := range masks {
			text, _, ok := masked(t, bodies, k, message.AsXML, body)
			if !ok {
				return
			}
			for _, value := range foundIn(t, bodies, paths[i], text) {
				if value != "***" && paths[i] != "//e/.." {
					t.Errorf("%s shows %q in %q of %q", paths[i], value, text, body)
				}
			}
		}
		for i, k := range removals {
			text, _, ok := masked(t, bodies, k, message.AsXML, body)
			if !ok {
				continue
			}
			if shown := foundIn(t, bodies, paths[i], text); len(shown) > 0 {
				t.Errorf("%s shows %q in %q of %q", paths[i], shown, text, body)
			}
		}
	})
}
