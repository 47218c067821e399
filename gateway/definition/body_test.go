package definition_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/schema"
	"postern/gateway/wire"
)

func decoded(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// posted is the body of a request.
func posted(t testing.TB, kind, body string) *message.Message {
	t.Helper()
	m, err := request(kind, body)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// request reads one that has a body of a kind; a kind that no head can hold is an
// error.
func request(kind, body string) (*message.Message, error) {
	return requestIn(message.New(1<<20, 1<<26), kind, body)
}

func requestIn(bodies *message.Bodies, kind, body string) (*message.Message, error) {
	text := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	br := bufio.NewReaderSize(strings.NewReader(text), 4096)
	err := x.HTTP.Request.Header.Read(br)
	if err != nil {
		return nil, err
	}
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		return nil, err
	}
	if x.Request.HasBody() {
		x.Body = new(wire.Body)
		x.Body.SetLength(br, x.Request.Length)
	}
	return bodies.Request(x)
}

const bodies = `
openapi: 3.0.3
paths:
  /a:
    post:
      responses: {default: {description: x}}
      requestBody:
        content:
          text/*: {schema: {type: string, maxLength: 3}}
          application/json; charset=utf-8: {schema: {$ref: '#/components/schemas/thing'}}
          application/x-www-form-urlencoded:
            schema: {$ref: '#/components/schemas/thing'}
            encoding: {tags: {explode: false}, meta: {contentType: application/json}, where: {style: deepObject}}
          multipart/form-data:
            schema: {$ref: '#/components/schemas/thing'}
            encoding: {photo: {contentType: "image/png, image/*"}}
          application/xml: {schema: {$ref: '#/components/schemas/thing'}}
components:
  schemas:
    thing:
      type: object
      required: [n]
      additionalProperties: false
      properties:
        n: {type: integer}
        ok: {type: boolean, nullable: true}
        tags: {type: array, items: {type: string, maxLength: 2}}
        meta: {type: object, properties: {k: {type: integer}}}
        where: {type: object, properties: {x: {type: number}}}
        photo: {type: string, format: binary}
`

func TestBodies(t *testing.T) {
	d := compile(t, bodies)
	found, _ := d.Find("POST", "/a")
	part := func(head, content string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + content + "\r\n"
	}
	const form, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	for _, tt := range []struct{ name, kind, body, want string }{
		{"JSON", "application/json", `{"n": 1}`, ""},
		{"JSON, all faults", "application/json", `{"n": "1", "tags": ["abc"], "x": 1}`, "/n: must be integer\n/tags/0: must have at most 2 characters\n/x: is not known here"},
		{"JSON with more behind it", "application/json", `{"n": 1} x`, ": must be JSON, in UTF-8, with no member twice"},
		{"JSON with a member twice", "application/json", `{"n": 1, "n": "1"}`, ": must be JSON, in UTF-8, with no member twice"},
		{"JSON with a member twice, in two spellings", "application/json", `{"n": 1, "\u006e": "1"}`, ": must be JSON, in UTF-8, with no member twice"},
		{"JSON that is not UTF-8", "application/json", "{\"n\": 1, \"\xff\": 1}", ": must be JSON, in UTF-8, with no member twice"},
		{"JSON that is too deep", "application/json", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), ": holds too many values, or too many within each other"},
		{"no JSON", "application/json", `NaN`, ": must be JSON, in UTF-8, with no member twice"},
		{"JSON in another charset", "application/json; charset=iso-8859-1", "{\"n\": 1, \"\xe4\": 1}", "/ä: is not known here"},
		{"text", "text/plain", "abcd", ": must have at most 3 characters"},
		{"form", form, "n=1&ok=true&tags=a,b&where[x]=1.5&meta=%7B%22k%22:1%7D", ""},
		{"form, all faults", form, "n=x&tags=abc,b&more=1", "/more: is not known here\n/n: must be integer\n/tags/0: must have at most 2 characters"},
		{"form, a field twice", form, "n=1&n=2", "/n: stands there more than once"},
		{"form, too many fields", form, "n=1" + strings.Repeat("&a", 10_000), ": holds too many parameters"},
		{"form, JSON in it", form, "n=1&meta={", "/meta: must be JSON"},
		{"form, broken", form, "n=1&a=%", "/a: is not encoded as it must be"},
		{"parts", parts, part(`name="n"`, "1") + part(`name="tags"`, "a") + part(`name="tags"`, "b") + part(`name="photo"; filename="a.png"`+"\r\nContent-Type: image/png", "\xff\x00") + "--b--\r\n", ""},
		{"parts, all faults", parts, part(`name="n"`, "x") + part(`name="tags"`, "abc") + part(`name="more"`, "1") + "--b--\r\n", "/more: is not known here\n/n: must be integer\n/tags/0: must have at most 2 characters"},
		{"parts, a field twice", parts, part(`name="n"`, "1") + part(`name="n"`, "2") + "--b--\r\n", "/n: stands there more than once"},
		{"parts, JSON in one", parts, part(`name="n"`, "1") + part(`name="meta"`+"\r\nContent-Type: application/json", `{"k": "x"}`) + "--b--\r\n", "/meta/k: must be integer"},
		{"parts, an object that is not JSON", parts, part(`name="n"`, "1") + part(`name="meta"`, `k=1`) + "--b--\r\n", "/meta: must be JSON"},
		{"parts, another type", parts, part(`name="n"`, "1") + part(`name="photo"`+"\r\nContent-Type: text/html", "x") + "--b--\r\n", "/photo: is of a content type that is not allowed"},
		{"parts, none whole", parts, part(`name="n"`, "1"), ": must be parts of a form, with a name each"},
		{"parts, no name", parts, part(`filename="n"`, "1") + "--b--\r\n", ": must be parts of a form, with a name each"},
		{"parts, a name twice", parts, part(`name="n"; name="m"`, "1") + "--b--\r\n", ": must be parts of a form, with a name each"},
		{"parts, said twice", parts, part("name=\"n\"\r\nContent-Disposition: form-data; name=\"m\"", "1") + "--b--\r\n", ": must be parts of a form, with a name each"},
		{"parts, a coding", parts, part("name=\"n\"\r\nContent-Transfer-Encoding: quoted-printable", "=31") + "--b--\r\n", ": must be parts of a form, with a name each"},
		{"parts, no boundary", "multipart/form-data", "x", ": has no boundary"},
		{"parts, not UTF-8", parts, part(`name="n"`, "\xff") + "--b--\r\n", "/n: is not encoded as it must be"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, listed := found.Body().Content.Find([]byte(tt.kind))
			if !listed || !m.Describes([]byte(tt.kind)) {
				t.Fatal(listed)
			}
			c := schema.NewCheck(schema.Request)
			if err := m.Check(c, posted(t, tt.kind, tt.body)); err != nil {
				t.Fatal(err)
			}
			got := strings.Split(list(c), "\n")
			if diff := cmp.Diff(sorted(strings.Split(tt.want, "\n")), sorted(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestContentTypes(t *testing.T) {
	d := compile(t, bodies)
	found, _ := d.Find("POST", "/a")
	for kind, want := range map[string]bool{
		"application/json": true, "APPLICATION/JSON;charset=utf-8": true, "text/html": true, "application/xml": true,
		"application/jsonp": false, "application/json, text/html": false, "text": false, "": false, "*/*": false, "json": false,
	} {
		if _, listed := found.Body().Content.Find([]byte(kind)); listed != want {
			t.Errorf("%q: listed is %v", kind, listed)
		}
	}
	m, _ := found.Body().Content.Find([]byte("application/xml"))
	if m.Describes([]byte("application/xml")) {
		t.Error("XML is looked into")
	}
	if _, ok := found.Body().Content.Structured([]byte("application/vnd.x+json")); !ok {
		t.Error("JSON by another name is not known")
	}
}

func TestSwaggerBodies(t *testing.T) {
	d := compile(t, `
swagger: "2.0"
consumes: [application/json]
produces: [application/json]
definitions: {n: {type: object, properties: {n: {type: integer, x-nullable: true}}}}
paths:
  /json: {post: {parameters: [{in: body, name: b, required: true, schema: {$ref: '#/definitions/n'}}], responses: {200: {description: x, schema: {$ref: '#/definitions/n'}}, 404: {description: x}, default: {description: x, schema: {type: file}}}}}
  /form:
    post:
      consumes: [application/x-www-form-urlencoded, multipart/form-data]
      parameters: [{in: formData, name: n, type: integer, required: true}, {in: formData, name: f, type: file}, {in: formData, name: l, type: array, items: {type: integer}}]
      responses: {default: {description: x}}
`)
	for _, tt := range []struct{ path, kind, body, want string }{
		{"/json", "application/json", `{"n": null}`, ""},
		{"/json", "application/json", `{"n": "x"}`, "/n: must be integer"},
		{"/form", "application/x-www-form-urlencoded", "n=x&l=1,y&other=1", "/n: must be integer\n/l/1: must be integer"},
		{"/form", "application/x-www-form-urlencoded", "l=1", "/n: is missing"},
		{"/form", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=n\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n\xff\r\n--b--", "/n: must be integer"},
	} {
		found, _ := d.Find("POST", tt.path)
		m, listed := found.Body().Content.Find([]byte(tt.kind))
		if !listed || !found.Body().Required {
			t.Fatalf("%s %s: listed is %v", tt.path, tt.kind, listed)
		}
		c := schema.NewCheck(schema.Request)
		if err := m.Check(c, posted(t, tt.kind, tt.body)); err != nil || list(c) != tt.want {
			t.Errorf("%s %s: %q, %v", tt.path, tt.body, list(c), err)
		}
	}
	found, _ := d.Find("POST", "/json")
	if a := found.Answer(404); a == nil || !a.Content.IsEmpty() {
		t.Error("404 has a body")
	}
	m, listed := found.Answer(500).Content.Find([]byte("application/json"))
	if !listed || m.Describes([]byte("application/json")) {
		t.Error("a file is looked into")
	}
}

func FuzzBodies(f *testing.F) {
	f.Add("application/json", `{"n": 1, "tags": ["a"]}`)
	f.Add("application/x-www-form-urlencoded", "n=1&where[x]=1&tags=a,b&meta=%7B%7D")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=n\r\n\r\n1\r\n--b--\r\n")
	f.Add("text/plain; charset=utf-16", "\xfe\xff\x00a")
	found, _ := compile(f, bodies).Find("POST", "/a")
	f.Fuzz(func(t *testing.T, kind, body string) {
		m, listed := found.Body().Content.Find([]byte(kind))
		if !listed || !m.Describes([]byte(kind)) || strings.ContainsAny(kind, "\r\n") {
			return
		}
		sent, err := request(kind, body)
		if err != nil {
			return // no gateway gets to see it
		}
		c := schema.NewCheck(schema.Request)
		_ = m.Check(c, sent) // a problem is good too
		if len(c.Faults) > schema.MaxFaults {
			t.Errorf("%d faults", len(c.Faults))
		}
	})
}
