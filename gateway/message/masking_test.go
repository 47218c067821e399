package message_test

import (
	"errors"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/provisioning/config"
)

func masking(tb testing.TB, rules ...config.MaskRule) (list []*message.Masking) {
	tb.Helper()
	for i := range rules {
		if rules[i].Action == "" && rules[i].With == "" {
			rules[i].With = "***"
		}
		k, err := message.NewMasking(&rules[i])
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, k)
	}
	return list
}

const spaced = "{ \"z\" : 1.50 ,\n \"card\":\"4111\", \"n\": 12345678901234567890 , \"list\":[ 1 , {\"card\" : {\"x\":[1]} } ,3 ], \"c\\u0061rd2\":null }\n"

// What is hidden, and that all else stays byte for byte.
func TestMask(t *testing.T) {
	space := []config.Namespace{{Prefix: "p", URI: "urn:x"}}
	for _, tt := range []struct {
		name   string
		rules  []config.MaskRule
		as     message.Form
		body   string
		want   string
		values int
	}{
		{"a member", []config.MaskRule{{JSONPath: "$.card"}}, message.AsJSON, spaced, strings.Replace(spaced, `"4111"`, `"***"`, 1), 1},
		{"at any depth, objects too", []config.MaskRule{{JSONPath: "$..card"}}, message.AsJSON, spaced, strings.NewReplacer(`"4111"`, `"***"`, `{"x":[1]}`, `"***"`).Replace(spaced), 2},
		{"a number, a list, null", []config.MaskRule{{JSONPath: "$['n','list']"}, {JSONPath: "$.card2"}}, message.AsJSON, spaced, "{ \"z\" : 1.50 ,\n \"card\":\"4111\", \"n\": \"***\" , \"list\":\"***\", \"c\\u0061rd2\":\"***\" }\n", 3},
		{"everything", []config.MaskRule{{JSONPath: "$"}}, message.AsJSON, " {\"a\":1} ", ` "***" `, 1},
		{"all members", []config.MaskRule{{JSONPath: "$.*"}}, message.AsJSON, `{"a":1, "b":[]}`, `{"a":"***", "b":"***"}`, 2},
		{"by a filter", []config.MaskRule{{JSONPath: "$[?@.kind == 'secret'].v"}}, message.AsJSON, `[{"kind":"secret","v":1},{"kind":"open","v":2}]`, `[{"kind":"secret","v":"***"},{"kind":"open","v":2}]`, 1},
		{"from the end, and a slice", []config.MaskRule{{JSONPath: "$[-1]"}, {JSONPath: "$[0:2]"}}, message.AsJSON, `[1,2,3,4]`, `["***","***",3,"***"]`, 3},
		{"in other words", []config.MaskRule{{JSONPath: "${request.payload.accountNumber}"}, {JSONPath: "${response.payload.jsonPath[$.b.c]}"}}, message.AsJSON, `{"accountNumber":7,"b":{"c":8}}`, `{"accountNumber":"***","b":{"c":"***"}}`, 2},
		{"a mask with a quote", []config.MaskRule{{JSONPath: "$.a", With: `"\`}}, message.AsJSON, `{"a":1}`, `{"a":"\"\\"}`, 1},
		{"nothing", []config.MaskRule{{JSONPath: "$.nothing.here"}}, message.AsJSON, spaced, spaced, 0},
		{"first, middle, last member removed", []config.MaskRule{{JSONPath: "$['a','c','e']", Action: "filter"}}, message.AsJSON, `{ "a":1 , "b":2 , "c":3, "d":4 ,"e":5 }`, `{ "b":2, "d":4 }`, 3},
		{"all removed", []config.MaskRule{{JSONPath: "$[*]", Action: "filter"}}, message.AsJSON, `[ 1, {"a":2} ,3 ]`, `[  ]`, 3},
		{"the first two removed", []config.MaskRule{{JSONPath: "$[0,1]", Action: "filter"}}, message.AsJSON, `[1 , 2 ,3]`, `[3]`, 2},
		{"the last two removed", []config.MaskRule{{JSONPath: "$[1:]", Action: "filter"}}, message.AsJSON, `[1 , 2 ,3]`, `[1]`, 2},
		{"removal outweighs a mask, and what is inside goes along", []config.MaskRule{{JSONPath: "$..b"}, {JSONPath: "$.a", Action: "filter"}, {JSONPath: "$.a"}}, message.AsJSON, `{"a":{"b":1},"b":2}`, `{"b":"***"}`, 2},
		{"elements", []config.MaskRule{{XPath: "//card"}}, message.AsXML, "<?xml version='1.0'?>\r\n<o  a = '1'><card t=\"x\">41<![CDATA[11]]>&amp;<b/></card><!-- c --> <card></card><card/><card a='/'/></o>\n", "<?xml version='1.0'?>\r\n<o  a = '1'><card t=\"x\">***</card><!-- c --> <card>***</card><card>***</card><card a='/'>***</card></o>\n", 4},
		{"an element of a namespace", []config.MaskRule{{XPath: "//p:card", Namespaces: space}}, message.AsXML, `<o xmlns='urn:x' xmlns:q="urn:x"><card>1</card><q:card/><x xmlns=''><card>2</card></x></o>`, `<o xmlns='urn:x' xmlns:q="urn:x"><card>***</card><q:card>***</q:card><x xmlns=''><card>2</card></x></o>`, 2},
		{"attributes", []config.MaskRule{{XPath: "//@pin", With: `a"<`}, {XPath: "//@cvc", Action: "filter"}}, message.AsXML, "<o xmlns:pin='urn:x' a='pin=1' pin = '12\"3' \n cvc='>'><i cvc=\"1\" pin:pin=''/></o>", "<o xmlns:pin='urn:x' a='pin=1' pin = 'a&#34;&lt;'><i pin:pin=''/></o>", 3},
		{"texts", []config.MaskRule{{XPath: "/o/text()"}}, message.AsXML, `<o>a<![CDATA[b]]><?p i?>c<i>d</i>e</o>`, `<o>***<i>d</i>***</o>`, 2},
		{"comments are removed", []config.MaskRule{{XPath: "//comment()"}}, message.AsXML, `<o>a<!-- 4111 --></o>`, `<o>a</o>`, 1},
		{"elements removed, and what is inside", []config.MaskRule{{XPath: "//a", Action: "filter"}, {XPath: "//b"}}, message.AsXML, `<o><a><b>1</b></a> <b>2<b>3</b></b><a/></o>`, `<o> <b>***</b></o>`, 3},
		{"the document is its element", []config.MaskRule{{XPath: "/"}}, message.AsXML, `<!-- c --><o a="b">1<i/></o>`, `<!-- c --><o a="b">***</o>`, 1},
		{"in other words, in XML", []config.MaskRule{{XPath: "${request.payload.xpath[//a]}"}}, message.AsXML, `<o><a>1</a></o>`, `<o><a>***</a></o>`, 1},
		{"matches", []config.MaskRule{{Regex: `\d{4}(-\d{4})*`}}, message.AsText, "card 4111-1111 or 42, 2222\r\n", "card *** or 42, ***\r\n", 2},
		{"matches removed", []config.MaskRule{{Regex: `;\w*`, Action: "filter"}}, message.AsText, "a;b;c", "a", 2},
		{"matches in JSON", []config.MaskRule{{Regex: `41+`, With: `"`}, {JSONPath: "$.b", With: `"`}}, message.AsJSON, `{"a":"x4111","b":4111}`, `{"a":"x\"","b":"\""}`, 2},
		{"matches in XML", []config.MaskRule{{Regex: `41+`, With: `<`}}, message.AsXML, `<a>4111</a>`, `<a>&lt;</a>`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bodies := message.New(1<<20, 1<<24)
			x := posted(t, "text/plain", tt.body)
			m, err := bodies.Request(x)
			if err != nil {
				t.Fatal(err)
			}
			text, values, err := m.Mask(masking(t, tt.rules...), tt.as)
			if string(text) != tt.want || values != tt.values || err != nil {
				t.Errorf("%q\nwant %q\n%d values, want %d; %v", text, tt.want, values, tt.values, err)
			}
			x.Finish(exchange.End{})
			if held := bodies.Held(); held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		})
	}
}

// What cannot be hidden for sure is an error.
func TestMaskRefuses(t *testing.T) {
	deep := strings.Repeat("[", 99) + strings.Repeat("1,", 20_000) + "1" + strings.Repeat("]", 99)
	for _, tt := range []struct {
		name string
		rule config.MaskRule
		as   message.Form
		body string
		want error
	}{
		{"broken JSON", config.MaskRule{JSONPath: "$.a"}, message.AsJSON, `{"a":1`, message.ErrMalformed},
		{"members twice", config.MaskRule{JSONPath: "$.a"}, message.AsJSON, `{"a":1,"\u0061":2}`, message.ErrMalformed},
		{"trailing garbage", config.MaskRule{JSONPath: "$.a"}, message.AsJSON, `{"a":1}{"a":2}`, message.ErrMalformed},
		{"two marks", config.MaskRule{JSONPath: "$.a"}, message.AsJSON, "\ufeff\ufeff{\"a\":1}", message.ErrMalformed},
		{"not UTF-8", config.MaskRule{JSONPath: "$.a"}, message.AsJSON, "{\"a\":\"\xff\"}", message.ErrMalformed},
		{"too deep", config.MaskRule{JSONPath: "$.a"}, message.AsJSON, strings.Repeat("[", 200) + strings.Repeat("]", 200), message.ErrTooMuch},
		{"too many places, deep inside", config.MaskRule{JSONPath: "$..*"}, message.AsJSON, deep, message.ErrTooMuch},
		{"broken XML", config.MaskRule{XPath: "//a"}, message.AsXML, `<a>`, message.ErrMalformed},
		{"a document type", config.MaskRule{XPath: "//a"}, message.AsXML, `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, message.ErrMalformed},
		{"an attribute twice", config.MaskRule{XPath: "//@a"}, message.AsXML, `<a a="1" a="2"/>`, message.ErrMalformed},
		{"the element of a document removed", config.MaskRule{XPath: "/a", Action: "filter"}, message.AsXML, `<a/>`, message.ErrMalformed},
		{"a match that takes the form along", config.MaskRule{Regex: "[0-9]+"}, message.AsJSON, `{"a":1}`, message.ErrMalformed},
		{"a match that takes an element along", config.MaskRule{Regex: "</a>"}, message.AsXML, `<a></a>`, message.ErrMalformed},
		{"too many matches", config.MaskRule{Regex: "a"}, message.AsText, strings.Repeat("a", 10_001), message.ErrTooMuch},
		{"the square of the text", config.MaskRule{Regex: "a.*b|a"}, message.AsText, strings.Repeat("a", 1<<18), message.ErrTooMuch},
		{"becomes too long", config.MaskRule{Regex: "a", With: strings.Repeat("*", 100)}, message.AsText, strings.Repeat("a", 9_000), message.ErrTooMuch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := message.New(1<<18, 1<<26).Request(posted(t, "text/plain", tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if text, _, err := m.Mask(masking(t, tt.rule), tt.as); !errors.Is(err, tt.want) || text != nil && err == nil {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

func TestMaskingsThatAreNone(t *testing.T) {
	for _, tt := range []struct {
		rule config.MaskRule
		want string
	}{
		{config.MaskRule{JSONPath: "a"}, "json_path: a JSONPath begins with $"},
		{config.MaskRule{JSONPath: "$..a..b"}, `json_path: more than one ".." would look at everything again and again`},
		{config.MaskRule{JSONPath: "$", Action: "filter"}, "json_path: a body cannot be without a value"},
		{config.MaskRule{XPath: "count(//a)"}, "xpath: finds no elements, attributes or texts, but a value of its own"},
		{config.MaskRule{XPath: "string(//a)"}, "xpath: finds no elements, attributes or texts, but a value of its own"},
		{config.MaskRule{XPath: "//p:a"}, "xpath: no XPath: prefix p not defined."},
		{config.MaskRule{Regex: "a*"}, "regex: matches an empty text, so it would be everywhere"},
		{config.MaskRule{Regex: "("}, "regex: no regular expression: error parsing regexp: missing closing ): `(`"},
		{config.MaskRule{JSONPath: "${request.headers.A}"}, "json_path: no JSONPath: parse error at 2 in ${request.headers.A}"},
	} {
		if _, err := message.NewMasking(&tt.rule); err == nil || err.Error() != tt.want {
			t.Errorf("%+v: %v", tt.rule, err)
		}
	}
}
