package validate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/definition"
	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/policy/validate"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning"
)

const things = `
openapi: 3.0.3
paths:
  /things:
    put:
      requestBody: {content: {"*/*": {schema: {$ref: '#/components/schemas/thing'}}}}
      responses: {default: {description: x}}
    get: {parameters: [{name: q, in: query, schema: {type: integer}}], responses: {default: {description: x, content: {application/json: {schema: {type: array}}}}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/thing'}}, text/plain: {schema: {type: string, maxLength: 5}}}}
      responses: {"200": {description: x, content: {application/json: {schema: {type: object}}}}, "204": {description: x, content: {application/json: {schema: {}}}}}
components:
  schemas:
    thing:
      type: object
      required: [name]
      properties:
        name: {type: string, maxLength: 20}
        qty: {type: integer, minimum: 1}
        tags: {type: array, items: {type: string, pattern: '^[a-z]+$'}}
        part: {$ref: '#/components/schemas/thing'}
      additionalProperties: false
`

// policy is validate with what a level says, compared with things.
func policy(t testing.TB, says string) exchange.Policy {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`apis: [{name: a, definition: {file: things.yaml}, upstream: {targets: [{url: "http://u"}]}, policies: {identify: none, validate: %s}}]`, says)
	err := os.WriteFile(filepath.Join(dir, "things.yaml"), []byte(things), 0o600)
	if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "postern.yaml"), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{filepath.Join(dir, "postern.yaml")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	api := &loaded.Config.APIs[0]
	d, err := definition.New(api.Definition)
	if err != nil {
		t.Fatal(err)
	}
	return validate.New(validate.Rules{Validation: api.Policies.Validate, Definition: d, Bodies: message.New(64<<10, 4<<20)}, metrics.New(metrics.Sources{}))
}

// received is an exchange as a raw request makes it.
func received(t testing.TB, text string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	br := bufio.NewReaderSize(strings.NewReader(text), 64<<10)
	if err := x.HTTP.Request.Header.Read(br); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	path, query, _ := bytes.Cut(x.HTTP.Request.Header.RequestURI(), []byte("?"))
	x.Rest, x.Query = path, query
	if x.Request.HasBody() {
		x.Body = new(wire.Body)
		if x.Request.Chunked {
			x.Body.SetChunked(br)
		} else {
			x.Body.SetLength(br, x.Request.Length)
		}
	}
	return x
}

// answers makes an upstream of a raw answer.
func answers(t testing.TB, text string) exchange.Handler {
	return func(x *exchange.Exchange) error {
		head, body, _ := strings.Cut(text, "\r\n\r\n")
		fields := &x.Answer.Head
		fields.Reset()
		r, err := wire.ReadResponse([]byte(head+"\r\n\r\n"), fields)
		if err != nil {
			t.Error(err)
			return err
		}
		x.Answer.Status, x.Answer.Length = r.Status, r.Length
		if !r.Bodyless(x.HTTP.IsHead()) {
			x.Answer.Body = new(wire.Body)
			x.Answer.Body.SetLength(bufio.NewReader(strings.NewReader(body)), int64(len(body)))
		}
		return nil
	}
}

// told is what a caller is told: "passed", or the code of the problem with its
// faults.
func told(err error) string {
	var p *problem.Problem
	if err == nil {
		return "passed"
	}
	if !errors.As(err, &p) {
		return err.Error()
	}
	text := p.Code
	for _, e := range p.Errors {
		text += fmt.Sprintf(" | %s %s: %s", e.In, e.Pointer, e.Detail)
	}
	return text
}

// The log says of a fault of the whole body only that it is the body's.
func TestReason(t *testing.T) {
	p := policy(t, everything)
	for body, want := range map[string]string{
		`{"name":`:               "request_invalid: body: must be JSON, in UTF-8, with no member twice",
		`{"name":1}`:             "request_invalid: body /name: must be string",
		`{"name":1,"qty":false}`: "request_invalid: body /name: must be string, and 1 more",
	} {
		err := p(func(*exchange.Exchange) error { return nil })(received(t, post("application/json", body)))
		if err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", body, err, want)
		}
	}
}

func post(kind, body string, more ...string) string {
	lines := append([]string{"POST /things HTTP/1.1", "Host: a", "Content-Type: " + kind, fmt.Sprintf("Content-Length: %d", len(body))}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.String()
}

const everything = `{request: {schema: true, query: true, unknown_query: refuse, path: true, headers: true, cookies: true}}`

// What strangers try to get past a schema.
func TestAttacks(t *testing.T) {
	p := policy(t, everything)
	deep := strings.Repeat(`{"name":"a","part":`, 60) + `{"name":1}` + strings.Repeat(`}`, 60)
	for _, tt := range []struct{ name, request, want string }{
		{"a member twice", post("application/json", `{"name":"a","name":1}`), "request_invalid | body : must be JSON, in UTF-8, with no member twice"},
		{"a member twice, escaped", post("application/json", `{"name":"a","n\u0061me":1}`), "request_invalid | body : must be JSON, in UTF-8, with no member twice"},
		{"a member in other letters", post("application/json", `{"name":"a","NAME":1}`), "request_invalid | body /NAME: is not known here"},
		{"a member that looks the same", post("application/json", `{"name":"a","nаme":1}`), "request_invalid | body /nаme: is not known here"},
		{"a broken surrogate", post("application/json", `{"name":"a","\ud800":1}`), "request_invalid | body /\ufffd: is not known here"},
		{"more behind it", post("application/json", `{"name":"a"}{"x":1}`), "request_invalid | body : must be JSON, in UTF-8, with no member twice"},
		{"a comment", post("application/json", `{"name":"a"/**/}`), "request_invalid | body : must be JSON, in UTF-8, with no member twice"},
		{"a byte order mark", post("application/json", "\xef\xbb\xbf{\"name\":1}"), "request_invalid | body /name: must be string"},
		{"another charset", post("application/json; charset=utf-16le", "{\x00}\x00"), "request_invalid | body /name: is missing"},
		{"a charset nobody knows", post("application/json; charset=utf-7", "{}"), "unsupported_media_type"},
		{"another content type", post("application/xml", `{"name":1}`), "request_invalid | body : is of a content type that the definition does not have"},
		{"JSON by another name", post("application/vnd.api+json", `{"name":1}`), "request_invalid | body /name: must be string"},
		{"a content type in other letters", post("APPLICATION/Json", `{"name":1}`), "request_invalid | body /name: must be string"},
		{"a content type with more", post("application/json, text/plain", `{"name":1}`), "request_invalid | body : is of a content type that the definition does not have"},
		{"two content types", post("text/plain", `{"a"`, "Content-Type: application/json"), "request_invalid | body : is of a content type that the definition does not have"},
		{"no content type", strings.Replace(post("x", `{"name":1}`), "Content-Type: x\r\n", "", 1), "request_invalid | body : is of a content type that the definition does not have"},
		{"a type that nobody looks into", strings.Replace(post("application/xml", `<a/>`), "POST", "PUT", 1), "request_invalid | body : is of a content type that cannot be compared with the definition"},
		{"JSON of any type", strings.Replace(post("application/json", `{"name":1}`), "POST", "PUT", 1), "request_invalid | body /name: must be string"},
		{"text of any type", strings.Replace(post("text/plain", `{"name":"a"}`), "POST", "PUT", 1), "request_invalid | body : must be object"},
		{"packed", post("application/json", gzipped(`{"name":1}`), "Content-Encoding: gzip"), "request_invalid | body /name: must be string"},
		{"packed twice", post("application/json", gzipped(gzipped(`{"name":1}`)), "Content-Encoding: gzip, gzip"), "request_invalid | body /name: must be string"},
		{"packed, not said", post("application/json", gzipped(`{"name":1}`)), "request_invalid | body : must be JSON, in UTF-8, with no member twice"},
		{"a bomb", post("application/json", gzipped(strings.Repeat(" ", 10<<20)+"{}"), "Content-Encoding: gzip"), "content_too_large"},
		{"a packing nobody knows", post("application/json", `{"name":1}`, "Content-Encoding: lzma"), "unsupported_media_type"},
		{"chunks", "POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\n5\r\ne\":1}\r\n0\r\n\r\n", "request_invalid | body /name: must be string"},
		{"no chunks", "POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "passed"},
		{"too long", post("application/json", `{"name":"`+strings.Repeat("a", 70<<10)+`"}`), "content_too_large"},
		{"deep", post("application/json", deep), "request_invalid | body " + strings.Repeat("/part", 40) + "…: must be string"},
		{"deeper", post("application/json", strings.Repeat("[", 5000)), "request_invalid | body : holds too many values, or too many within each other"},
		{"a number beyond all", post("application/json", `{"name":"a","qty":1e999999999999}`), "request_invalid | body /qty: must be integer"},
		{"almost a whole number", post("application/json", `{"name":"a","qty":1.0000000000000000000001}`), "request_invalid | body /qty: must be integer"},
		{"a parameter twice", "GET /things?q=1&q=2 HTTP/1.1\r\nHost: a\r\n\r\n", "request_invalid | query /q: stands there more than once"},
		{"a parameter by another spelling", "GET /things?q=1&%71=x HTTP/1.1\r\nHost: a\r\n\r\n", "request_invalid | query /q: stands there more than once"},
		{"a parameter behind a semicolon", "GET /things?q=1;q=x HTTP/1.1\r\nHost: a\r\n\r\n", "request_invalid | query /q: must be integer"},
		{"a parameter as a list", "GET /things?q[]=x HTTP/1.1\r\nHost: a\r\n\r\n", "request_invalid | query /q[]: is not known here"},
		{"HEAD goes with GET", "HEAD /things?q=x HTTP/1.1\r\nHost: a\r\n\r\n", "request_invalid | query /q: must be integer"},
		{"another method", "PATCH /things HTTP/1.1\r\nHost: a\r\n\r\n", "method_not_allowed"},
		{"another path", "POST /things/ HTTP/1.1\r\nHost: a\r\n\r\n", "not_found"},
		{"another path, by letters", "POST /Things HTTP/1.1\r\nHost: a\r\n\r\n", "not_found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := received(t, tt.request)
			err := p(func(*exchange.Exchange) error { return nil })(x)
			if got := told(err); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			x.Finish(exchange.End{})
		})
	}
}

func TestAnswers(t *testing.T) {
	p := policy(t, `{response: {schema: true, statuses: true}}`)
	for _, tt := range []struct{ name, method, answer, want string }{
		{"good", "GET", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[]", "passed"},
		{"at fault", "GET", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", "answer_invalid | body : must be array"},
		{"HEAD has no body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n", "passed"},
		{"not modified", "GET", "HTTP/1.1 304 Not Modified\r\n\r\n", "passed"},
		{"no content", "POST", "HTTP/1.1 204 No Content\r\n\r\n", "passed"},
		{"a part", "GET", "HTTP/1.1 206 Partial Content\r\nContent-Type: application/json\r\n\r\n[1,", "answer_invalid | body : must be JSON, in UTF-8, with no member twice"},
		{"another status", "POST", "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>", "answer_invalid | status : is not among those of the definition"},
		{"another content type", "POST", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", "answer_invalid | body : is of a content type that the definition does not have"},
		{"packed", "GET", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n" + gzipped("{}"), "answer_invalid | body : must be array"},
		{"a packing nobody knows", "GET", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: lzma\r\n\r\n{}", "answer_unreadable"},
		{"a bomb", "GET", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n" + gzipped(strings.Repeat(" ", 10<<20)+"[]"), "answer_unreadable"},
		{"too long", "GET", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[" + strings.Repeat(" ", 70<<10) + "]", "answer_unreadable"},
		{"another protocol", "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "passed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := received(t, tt.method+" /things HTTP/1.1\r\nHost: a\r\n\r\n")
			if got := told(p(answers(t, tt.answer))(x)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			x.Finish(exchange.End{})
		})
	}
	gone := problem.UpstreamFailed
	if err := p(func(*exchange.Exchange) error { return gone })(received(t, "GET /things HTTP/1.1\r\nHost: a\r\n\r\n")); err != gone {
		t.Errorf("a problem becomes %v", err)
	}
}

// Nothing of what a caller sends is repeated but names; what it is told is short.
func TestFaultsRepeatNoValues(t *testing.T) {
	p := policy(t, everything)
	for _, request := range []string{
		post("application/json", `{"name":5553,"qty":"hunter2","tags":["Hunter2"],"part":{"name":"hunter2hunter2hunter2hunter2"}}`),
		post("text/plain", "hunter2hunter2"),
		"GET /things?q=hunter2 HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		var p2 *problem.Problem
		err := p(func(*exchange.Exchange) error { return nil })(received(t, request))
		if !errors.As(err, &p2) || strings.Contains(strings.ToLower(told(err)+err.Error()), "hunter2") || strings.Contains(told(err), "5553") {
			t.Errorf("told %s, log %v", told(err), err)
		}
	}
	var body strings.Builder
	for i := range 500 {
		fmt.Fprintf(&body, `,"%d%s":1`, i, strings.Repeat("x", 60))
	}
	err := p(func(*exchange.Exchange) error { return nil })(received(t, post("application/json", `{"name":"a"`+body.String()+"}")))
	var p3 *problem.Problem
	var r fasthttp.Response
	if !errors.As(err, &p3) || len(p3.Errors) != 20 {
		t.Fatal(told(err))
	}
	if p3.Write(&r, []byte("id")); len(r.Body()) > 4096 {
		t.Errorf("%d bytes", len(r.Body()))
	}
}

func kibibyte() string {
	var tags []string
	for range 130 {
		tags = append(tags, `"abcd"`)
	}
	return `{"name":"a","qty":3,"tags":[` + strings.Join(tags, ",") + `]}`
}

func BenchmarkJSON1KiB(b *testing.B) {
	p := policy(b, everything)
	h := p(func(*exchange.Exchange) error { return nil })
	body := kibibyte()
	text := post("application/json", body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		x := received(b, text)
		b.StartTimer()
		if err := h(x); err != nil {
			b.Fatal(err)
		}
		x.Finish(exchange.End{})
	}
}

func BenchmarkParameters(b *testing.B) {
	h := policy(b, everything)(func(*exchange.Exchange) error { return nil })
	x := received(b, "GET /things?q=12 HTTP/1.1\r\nHost: a\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if err := h(x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNothingInIt(b *testing.B) {
	h := policy(b, everything)(func(*exchange.Exchange) error { return nil })
	x := received(b, "GET /things HTTP/1.1\r\nHost: a\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if err := h(x); err != nil {
			b.Fatal(err)
		}
	}
}
