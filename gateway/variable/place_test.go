package variable_test

import (
	"bufio"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/variable"
	"postern/gateway/wire"
)

// changed is an exchange whose request has a body and was changed by a policy, and
// whose caller's credentials have been taken off.
func changed(kind, body string) *exchange.Exchange {
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), Body: new(wire.Body)}
	x.HTTP.Request.Header.SetMethod("GET")
	x.Path, x.Rest = []byte("/p/a%2Fb"), []byte("/a%2Fb")
	x.Sent = exchange.Sent{Method: []byte("PUT"), Rest: []byte("/c")}
	x.Query = []byte("a=%26%2f+%c3%bc")
	x.Presented = exchange.Presented{Token: "tok", Key: "key", Authorization: []byte("Bearer tok")}
	x.Head.Add("Content-Type", kind)
	x.Body.SetLength(bufio.NewReader(strings.NewReader(body)), int64(len(body)))
	x.Request.Length = int64(len(body))
	return x
}

func TestRequests(t *testing.T) {
	const object = `{"a":[1,2.50,null],"s":"\"","b":true,"o":{"z":1}}`
	for _, tt := range []struct {
		text  string
		place variable.Place
		want  string
	}{
		{"${request.payload}", variable.Place{}, object},
		{"${request.payload.jsonPath[$.b]} ${request.payload.regex[(nu)ll]}<${request.payload.xpath[/a]}>", variable.Place{}, "true nu<>"},
		{`[${request.payload.jsonPath[$.a]},${request.payload.jsonPath[$.s]},"${request.payload.jsonPath[$.s]}",${request.payload.jsonPath[$.none]}]`, variable.Place{Kind: variable.JSON}, `[[1,2.50,null],"\"","\"",null]`},
		{`{"a":${request.payload}}`, variable.Place{Kind: variable.JSON}, `{"a":` + object + `}`},
		{"${request.httpMethod} ${inboundHttpMethod} ${request.path} ${sys:resource_path}", variable.Place{}, "PUT GET /p/a%2Fb c"},
		{"${request.authorization.incomingToken} ${request.authorization.apiKey} ${request.authorization.authHeader}", variable.Place{Inside: true}, "tok key Bearer tok"},
		{"/x/${request.query.a}/${request.path}", variable.Place{Kind: variable.Path}, "/x/%26%2F%20%C3%BC//p/a%2Fb"},
		{"a b&${request.query.a}${request.path}", variable.Place{Kind: variable.Query}, "a%20b%26%26%2F%20%C3%BC%2Fp%2Fa%252Fb"},
		{"\x01${request.query.a}", variable.Place{Kind: variable.Raw}, "\x01&/ ü"},
	} {
		tt.place.RequestBody = true
		parsed, err := variable.Parse(tt.text, tt.place)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		x := changed("application/json", object)
		v := &variable.Values{X: x, Bodies: message.New(1000, 1<<20)}
		if got := string(parsed.Append(nil, v)); got != tt.want || v.Cut {
			t.Errorf("%s is %q, want %q", tt.text, got, tt.want)
		}
		if parsed.ReadsRequest() != strings.Contains(tt.text, "request.payload") || parsed.ReadsAnswer() {
			t.Errorf("%s reads the request: %v, the answer: %v", tt.text, parsed.ReadsRequest(), parsed.ReadsAnswer())
		}
		x.Finish(exchange.End{})
	}
}

// A body that is no JSON, or too long to be written whole, does not break the JSON
// in which it would stand.
func TestBodiesInJSON(t *testing.T) {
	parsed, err := variable.Parse(`[${request.payload},${request.payload.jsonPath[$.a]}]`, variable.Place{Kind: variable.JSON, RequestBody: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		body string
		most int
		want string
	}{
		{`"],[`, 0, `["\"],[",null]`},
		{`{"a":[1,2]}`, 0, `[{"a":[1,2]},[1,2]]`},
		{`{"a":[1,2]}`, 11, `[{"a":[1,2]},null]`},
		{`{"a":[1,2]}`, 10, `[null,null]`},
	} {
		v := &variable.Values{X: changed("application/json", tt.body), Bodies: message.New(1000, 1<<20), Most: tt.most}
		if got := string(parsed.Append(nil, v)); got != tt.want || v.Cut != (tt.most > 0) {
			t.Errorf("%s up to %d is %s (cut: %v), want %s", tt.body, tt.most, got, v.Cut, tt.want)
		}
	}
	if got := string(parsed.Append(nil, &variable.Values{X: changed("", "{}")})); got != `["",null]` {
		t.Errorf("without bodies it is %s", got)
	}
}

// What can be named depends on when and for whom a text is written.
func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		text  string
		place variable.Place
		want  string
	}{
		{"${response.headers.A}", variable.Place{NoAnswer: true}, ": at character 1: ${response.headers.A}: there is no answer yet"},
		{"${response.payload}", variable.Place{NoAnswer: true}, ": at character 1: ${response.payload}: there is no answer yet"},
		{"${request.payload}", variable.Place{}, ": at character 1: ${request.payload}: the body of the request has been sent on by then"},
		{"${request.headers.Cookie}", variable.Place{}, ": at character 1: ${request.headers.Cookie} is a secret, which no answer may show"},
		{"${request.headers.Cookie}", variable.Place{Inside: true}, ""},
		{"${request.headers.X-T}", variable.Place{Inside: true, Secrets: []string{"X-T"}}, ""},
		{"${request.payload.jsonPth[$]}", variable.Place{RequestBody: true}, `: at character 1: ${request.payload.jsonPth[$]} is no variable; did you mean "request.payload.jsonPath[$]"?`},
		{"${request.authorization.incomingTken}", variable.Place{Inside: true}, `: at character 1: ${request.authorization.incomingTken} is no variable; did you mean "request.authorization.incomingToken"?`},
		{"1${request.payload}", variable.Place{Kind: variable.JSON, RequestBody: true}, ": is not JSON: invalid character '[' after top-level value"},
	} {
		_, err := variable.Parse(tt.text, tt.place)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}
