package variable_test

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/variable"
	"postern/gateway/wire"
)

// values are of a request for /gateway/orders/1.0/items/7?q=a%20b&x=1+2 that was
// refused.
func values() *variable.Values {
	x := &exchange.Exchange{
		HTTP: new(fasthttp.RequestCtx), ID: []byte("id-1"), API: "orders/1.0", Route: "/items/{id}",
		Path: []byte("/gateway/orders/1.0/items/7"), Rest: []byte("/items/7"), Query: []byte("flag&q=a%20b&x=1+2&%71=second"),
		Address: netip.MustParseAddr("192.0.2.7"),
	}
	x.HTTP.Request.Header.SetMethod("POST")
	x.Head.Add("X-Text", "plain")
	x.Head.Add("X-Hard", `a"b\c<d>&e'f`)
	x.Caller = exchange.Caller{
		Subject: "alice", Issuer: "https://idp.example.com", Application: exchange.Application{Name: "shop", ID: "app-1"},
		Claims: map[string]any{
			"azp": "web", "aud": []any{"orders", "shop"}, "level": json.Number("3"), "realm": map[string]any{"role": "buyer"},
			"bad": "a\r\nSet-Cookie: x=1\x00", "half": "a\xffb",
		},
	}
	x.Answer.Status, x.Answer.Reason = 503, []byte("Go Away")
	x.Answer.Head.Add("X-Cause", "overfull")
	return &variable.Values{
		X: x, Problem: &problem.Problem{Code: "not_found", Status: 404, Title: "There is nothing here", Detail: "say what"},
		Message: "it failed", Now: time.Date(2023, 12, 3, 12, 11, 3, 0, time.FixedZone("", 2*3600)),
	}
}

func TestValues(t *testing.T) {
	v := values()
	for _, tt := range []struct{ text, want string }{
		{"no variable, $5, $$, $FOO", "no variable, $5, $$, $FOO"},
		{"$${request.path}", "${request.path}"},
		{"${request.headers.x-text}", "plain"},
		{"<${request.headers.X-None}>", "<>"},
		{"${request.query.q}", "a b"},
		{"${request.query.x}", "1 2"},
		{"<${request.query.flag}${request.query.none}>", "<>"},
		{"${request.path}", "/gateway/orders/1.0/items/7"},
		{"${request.httpMethod} ${inboundHttpMethod}", "POST POST"},
		{"${request.authorization.clientId}", "web"},
		{"${request.authorization.issuer}", "https://idp.example.com"},
		{"${request.authorization.userName}", "alice"},
		{"${request.authorization.audience}", "orders,shop"},
		{"${request.authorization.claims.level}", "3"},
		{"${request.authorization.claims.realm.role}", "buyer"},
		{"<${request.authorization.claims.realm}>", "<>"},
		{"${request.application.claims.azp}", "web"},
		{"${request.application.id} ${request.application.name}", "app-1 shop"},
		{"${request.correlationID}", "id-1"},
		{"${response.headers.X-Cause}", "overfull"},
		{"${response.statusCode} ${response.statusMessage}", "503 Go Away"},
		{"${apiName} ${apiVersion} ${operationName}", "orders 1.0 /items/{id}"},
		{"http://h/${sys:resource_path}", "http://h/items/7"},
		{"${problem.code} ${problem.status} ${problem.title}: ${problem.detail}", "not_found 404 There is nothing here: say what"},
		{"$ERROR_MESSAGE $SERVICE $OPERATION", "it failed orders /items/{id}"},
		{"$TIME, $DATE", "10:11:03 AM, Dec 3, 2023"},
		{"$CLIENT_IP $USER $CONSUMER_APPLICATION.", "192.0.2.7 alice shop."},
	} {
		parsed, err := variable.Parse(tt.text, variable.Place{Problem: true})
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := string(parsed.Append(nil, v)); got != tt.want {
			t.Errorf("%s is %q, want %q", tt.text, got, tt.want)
		}
	}
}

// answered is an exchange whose upstream has answered with a body.
func answered(kind, body string) *exchange.Exchange {
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	x.Answer.Status, x.Answer.Length, x.Answer.Body = 500, int64(len(body)), new(wire.Body)
	x.Answer.Head.Add("Content-Type", kind)
	x.Answer.Body.SetLength(bufio.NewReader(strings.NewReader(body)), int64(len(body)))
	return x
}

func TestPayload(t *testing.T) {
	bodies := message.New(1000, 1<<20)
	for _, tt := range []struct{ kind, body, text, want string }{
		{"application/json", `{"a":{"b}":["x","y"]},"n":7}`, "${response.payload.jsonPath[$.a['b}'][*]]} ${response.payload.jsonPath[$.n]}", "x 7"},
		{"application/json", `{"a":1}`, "<${response.payload.jsonPath[$.b]}>", "<>"},
		{"application/json", `{"a"`, "<${response.payload.jsonPath[$.a]}> ${response.payload}", `<> {"a"`},
		{"application/xml", `<e><c k="1">two</c></e>`, "${response.payload.xpath[/e/c]} ${response.payload.xpath[//@k]}", "two 1"},
		{"text/plain", "error 42 here", "${response.payload.regex[error ([0-9]+)]}", "42"},
		{"text/plain", "as it is", "${response.payload}", "as it is"},
		{"text/plain", strings.Repeat("x", 1001), "<${response.payload}${response.payload.regex[x]}>", "<>"},
	} {
		parsed, err := variable.Parse(tt.text, variable.Place{})
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		x := answered(tt.kind, tt.body)
		if got := string(parsed.Append(nil, &variable.Values{X: x, Bodies: bodies})); got != tt.want {
			t.Errorf("%s of %q is %q, want %q", tt.text, tt.body, got, tt.want)
		}
		if got := string(parsed.Append(nil, &variable.Values{X: x})); strings.ContainsAny(got, "xa42") {
			t.Errorf("%s is %q without bodies", tt.text, got)
		}
		x.Finish(exchange.End{})
	}
	if n := bodies.Held(); n != 0 {
		t.Errorf("%d bytes are held for ever", n)
	}
}

// Before anything is known of a request, variables are empty or the vendor's words.
func TestNothingKnown(t *testing.T) {
	parsed, err := variable.Parse("${response.statusCode} ${response.statusMessage}, ${response.headers.X-Cause}, $SERVICE $OPERATION $USER $CONSUMER_APPLICATION, ${apiName}", variable.Place{Problem: true})
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	x.Answer.Head.Add("X-Cause", "an attempt that failed")
	got := string(parsed.Append(nil, &variable.Values{X: x, Problem: problem.NotFound}))
	if want := "404 Not Found, , Unknown Unknown Default sys:defaultApplication, "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A value means itself where it stands, and nothing else.
func TestEscapes(t *testing.T) {
	v := values()
	for _, tt := range []struct {
		name, text string
		kind       variable.Kind
		want       string
	}{
		{"JSON string", `{"a":"${request.headers.X-Hard}"}`, variable.JSON, `{"a":"a\"b\\c<d>&e'f"}`},
		{"JSON without quotes", `{"a":${request.headers.X-Hard}}`, variable.JSON, `{"a":"a\"b\\c<d>&e'f"}`},
		{"JSON number", `{"a":${problem.status},"b":"${problem.status}"}`, variable.JSON, `{"a":404,"b":"404"}`},
		{"JSON control characters", `"${request.authorization.claims.bad}"`, variable.JSON, `"a\u000d\u000aSet-Cookie: x=1\u0000"`},
		{"JSON, not UTF-8", `"${request.authorization.claims.half}"`, variable.JSON, `"a` + "\ufffd" + `b"`},
		{"XML text", `<a>${request.headers.X-Hard}</a>`, variable.XML, `<a>a&#34;b\c&lt;d&gt;&amp;e&#39;f</a>`},
		{"XML attribute", `<a b="${request.headers.X-Hard}" c='${request.headers.X-Hard}'/>`, variable.XML, `<a b="a&#34;b\c&lt;d&gt;&amp;e&#39;f" c='a&#34;b\c&lt;d&gt;&amp;e&#39;f'/>`},
		{"XML control characters", `<a>${request.authorization.claims.bad}</a>`, variable.XML, "<a>a\ufffd\nSet-Cookie: x=1\ufffd</a>"},
		{"XML after a comment", `<!-- " --><a>${apiName}</a>`, variable.XML, `<!-- " --><a>orders</a>`},
		{"header", `a ${request.authorization.claims.bad}`, variable.Header, "a a  Set-Cookie: x=1"},
		{"text", "${request.headers.X-Hard} ${request.authorization.claims.bad}", variable.Text, "a\"b\\c<d>&e'f a\ufffd\nSet-Cookie: x=1\ufffd"},
		{"text, not UTF-8", "${request.authorization.claims.half}", variable.Text, "a\ufffdb"},
		{"another form", `alert("$5")`, variable.Fixed, `alert("$5")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parsed, err := variable.Parse(tt.text, variable.Place{Kind: tt.kind, Problem: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(parsed.Append([]byte("before "), v)); got != "before "+tt.want {
				t.Errorf("got  %q\nwant %q", got, "before "+tt.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		text string
		kind variable.Kind
		want string
	}{
		{"${request.heders.X}", variable.Text, `at character 1: ${request.heders.X} is no variable; did you mean "request.headers.X"?`},
		{"é ${request.pth}", variable.Text, `at character 3: ${request.pth} is no variable; did you mean "request.path"?`},
		{"${request.headers.}", variable.Text, `at character 1: ${request.headers.} is no variable; did you mean "request.headers.NAME"?`},
		{"${problem.cod}", variable.Text, `at character 1: ${problem.cod} is no variable; did you mean "problem.code"?`},
		{"${nothing}", variable.Text, `at character 1: ${nothing} is no variable`},
		{"a ${b", variable.Text, `at character 3: ${ without }; write $${ for these two characters`},
		{"${a} ${b}", variable.Text, "at character 1: ${a} is no variable\nat character 6: ${b} is no variable"},
		{"${request.authorization.incomingToken}", variable.Text, "at character 1: ${request.authorization.incomingToken} is a secret, which no answer may show"},
		{"${request.authorization.authHeader}", variable.Text, "at character 1: ${request.authorization.authHeader} is a secret, which no answer may show"},
		{"${request.authorization.apiKey}", variable.Text, "at character 1: ${request.authorization.apiKey} is a secret, which no answer may show"},
		{"${request.headers.authorization}", variable.Text, "at character 1: ${request.headers.authorization} is a secret, which no answer may show"},
		{"${request.headers.x-gateway-apikey}", variable.Text, "at character 1: ${request.headers.x-gateway-apikey} is a secret, which no answer may show"},
		{"${request.query.access_token}", variable.Text, "at character 1: ${request.query.access_token} is a secret, which no answer may show"},
		{"${request.payload.jsonPath[$.a]}", variable.Text, "at character 1: ${request.payload.jsonPath[$.a]}: the body of the request has been sent on by then"},
		{"${response.payload.jsonPth[$.a]}", variable.Text, "at character 1: ${response.payload.jsonPth[$.a]} is no variable; did you mean \"response.payload.jsonPath[$.a]\"?"},
		{"${response.payload.regex[(]} ${apiName}", variable.Text, "at character 1: ${response.payload.regex[(]}: no regular expression: error parsing regexp: missing closing ): `(`"},
		{"${response.payload.regex[a", variable.Text, "at character 1: ${ without }; write $${ for these two characters"},
		{"${request.application.version}", variable.Text, "at character 1: ${request.application.version}: applications have no version"},
		{`{"a": `, variable.JSON, "is not JSON: unexpected end of JSON input"},
		{`{"a": "\${apiName}"}`, variable.JSON, "at character 9: ${apiName} follows a backslash"},
		{"<a>", variable.XML, "is not XML: XML syntax error on line 1: unexpected EOF"},
		{"text", variable.XML, "is not XML: it must be one element"},
		{"<${apiName}/>", variable.XML, "at character 2: ${apiName} cannot stand in a tag"},
		{"<a ${apiName}='x'/>", variable.XML, "at character 4: ${apiName} cannot stand in a tag"},
		{"<a><!-- ${apiName} --></a>", variable.XML, "at character 9: ${apiName} cannot stand in a comment"},
		{"<a><![CDATA[${apiName}]]></a>", variable.XML, "at character 13: ${apiName} cannot stand in CDATA"},
		{`<!DOCTYPE a [<!ENTITY x "${apiName}">]><a/>`, variable.XML, "at character 26: ${apiName} cannot stand in a declaration"},
		{"<?p ${apiName}?><a/>", variable.XML, "at character 5: ${apiName} cannot stand in an instruction"},
		{"<p>${apiName}</p>", variable.Fixed, "at character 4: ${apiName} cannot be escaped in a text of this type: json, xml and text can hold variables"},
	} {
		_, err := variable.Parse(tt.text, variable.Place{Kind: tt.kind, Problem: true})
		if err == nil {
			t.Errorf("%s: no fault", tt.text)
		} else if got := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n: ", "\n"), ": "); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
	hidden := variable.Place{Secrets: []string{"X-Token"}}
	for _, text := range []string{"${request.headers.x-token}", "${request.query.X-Token}"} {
		if _, err := variable.Parse(text, hidden); err == nil {
			t.Errorf("%s is shown", text)
		}
	}
	if _, err := variable.Parse("${problem.code}", variable.Place{}); err == nil {
		t.Error("a problem can be named where there is none")
	}
	if parsed, err := variable.Parse("$TIME", variable.Place{}); err != nil || !parsed.Fixed() {
		t.Error("a word of failures is one where there is none", err)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	v := values()
	v.Most = 4
	v.X.Head.Set("X-Text", "abcé…")
	for text, want := range map[string]string{"${request.headers.X-Text}!": "abc…!", "${apiVersion}": "1.0", "${apiVersion}${apiName}${apiName}${apiVersion}": "1.0o………", "longer than that": "longer than that"} {
		parsed, err := variable.Parse(text, variable.Place{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(parsed.Append(nil, v)); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

// hostile is a template of each kind with a stranger's value in every place that
// can hold one.
var hostile = map[variable.Kind]string{
	variable.JSON:   `{"a":"${request.headers.X}","b":${request.headers.X}}`,
	variable.XML:    `<r a="${request.headers.X}" b='${request.headers.X}'>${request.headers.X}</r>`,
	variable.Header: `for ${request.headers.X} only`,
}

// Whatever a stranger sends: who reads the text finds one value in each place,
// and what stands around it as it was written.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"", "a", `","admin":true,"x":"`, "</r><r>", "a\r\nSet-Cookie: x", "\\", "\xff\xfe", "]]>", "\u2028", "&lt;", "'\" b=\"1"} {
		f.Add(seed)
	}
	templates := map[variable.Kind]*variable.Template{}
	for kind, text := range hostile {
		parsed, err := variable.Parse(text, variable.Place{Kind: kind})
		if err != nil {
			f.Fatal(err)
		}
		templates[kind] = parsed
	}
	f.Fuzz(func(t *testing.T, value string) {
		x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
		x.Head.Add("X", value)
		v := &variable.Values{X: x}
		var members map[string]string
		text := templates[variable.JSON].Append(nil, v)
		if err := json.Unmarshal(text, &members); err != nil || len(members) != 2 || members["a"] != members["b"] {
			t.Errorf("JSON %q: %v", text, err)
		}
		if want := strings.ToValidUTF8(value, "\ufffd"); !strings.Contains(value, "\xff") && strings.ToValidUTF8(value, "") == value && members["a"] != want {
			t.Errorf("JSON says %q of %q", members["a"], value)
		}
		text = templates[variable.XML].Append(nil, v)
		if n, err := elements(string(text)); n != 1 || err != nil {
			t.Errorf("XML %q: %d elements, %v", text, n, err)
		}
		text = templates[variable.Header].Append(nil, v)
		if strings.ContainsAny(string(text), "\r\n\x00\x7f") {
			t.Errorf("header %q", text)
		}
	})
}

// elements counts those of an XML document, which have two attributes each.
func elements(text string) (n int, err error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if start, ok := token.(xml.StartElement); ok {
			if n++; len(start.Attr) != 2 {
				return n, errors.New("another attribute")
			}
		}
	}
}

// Whatever a text is: it is refused, or what it becomes is what it says it is.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"${", "$${", "}", "$USER", `{"a":"${request.path}"}`, `<a>${problem.code}</a>`, `<a b="$TIME"/>`, "${request.query.a}"} {
		f.Add(seed, uint8(variable.JSON))
		f.Add(seed, uint8(variable.XML))
		f.Add(seed, uint8(variable.Text))
		f.Add(seed, uint8(variable.Query))
	}
	v := values()
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		place := variable.Place{Kind: variable.Kind(kind % 8), Problem: true}
		parsed, err := variable.Parse(text, place)
		if err != nil {
			return
		}
		got := parsed.Append(nil, v)
		if place.Kind == variable.JSON && !json.Valid(got) {
			t.Errorf("%q became %q", text, got)
		}
		if parsed.Fixed() && place.Kind != variable.Query && !strings.Contains(text, "$${") && string(got) != text {
			t.Errorf("%q without a variable became %q", text, got)
		}
	})
}

// written is a text with a bit of everything.
const written = `{"code":"${problem.code}","path":"${request.path}","q":"${request.query.q}","who":"${request.authorization.claims.realm.role}","hard":"${request.headers.X-Hard}","at":"$TIME $DATE","ip":"$CLIENT_IP","status":${problem.status}}`

func BenchmarkAppend(b *testing.B) {
	parsed, err := variable.Parse(written, variable.Place{Kind: variable.JSON, Problem: true})
	if err != nil {
		b.Fatal(err)
	}
	v, dst := values(), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = parsed.Append(dst[:0], v)
	}
}
