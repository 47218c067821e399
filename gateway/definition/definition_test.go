package definition_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/definition"
	"postern/gateway/schema"
	"postern/provisioning"
	"postern/provisioning/config"
)

// read is what the loader makes of a definition, and of files beside it.
func read(t testing.TB, text string, beside map[string]string) *config.Definition {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"api.yaml": text, "postern.yaml": `apis: [{name: a, definition: {file: api.yaml}, upstream: {targets: [{url: "http://u"}]}, policies: {identify: none}}]`}
	for name, text := range beside {
		files[name] = text
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{filepath.Join(dir, "postern.yaml")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Config.APIs[0].Definition
}

func compile(t testing.TB, text string) *definition.Definition {
	t.Helper()
	d, err := definition.New(read(t, text, nil))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// operation is a definition with one operation, GET of the path.
func operation(t testing.TB, begin, path, parameters string) *definition.Definition {
	t.Helper()
	return compile(t, fmt.Sprintf("%s\npaths:\n  %q:\n    get:\n      responses: {default: {description: x}}\n      parameters:\n      - %s\n", begin, path, parameters))
}

func list(c *schema.Check) string {
	var lines []string
	for _, f := range c.Faults {
		lines = append(lines, f.Pointer+": "+f.Detail)
	}
	return strings.Join(lines, "\n")
}

const three = "openapi: 3.1.0"

func TestQuery(t *testing.T) {
	const (
		ints   = `{name: a, in: query, schema: {type: array, items: {type: integer}}`
		object = `{name: a, in: query, schema: {type: object, required: [x], properties: {x: {type: integer}, y: {type: array, items: {type: boolean}}}, additionalProperties: false}`
	)
	for _, tt := range []struct{ name, parameter, query, want string }{
		{"integer", `{name: a, in: query, schema: {type: integer}}`, "a=5", ""},
		{"no integer", `{name: a, in: query, schema: {type: integer}}`, "a=5x", "/a: must be integer"},
		{"a number as JSON has none", `{name: a, in: query, schema: {type: integer}}`, "a=+5", "/a: must be integer"},
		{"nothing in it", `{name: a, in: query, schema: {type: integer}}`, "a=", "/a: must be integer"},
		{"nothing in it, allowed", `{name: a, in: query, allowEmptyValue: true, schema: {type: integer}}`, "a", ""},
		{"required", `{name: a, in: query, required: true}`, "b=1", "/a: is missing"},
		{"not required", `{name: a, in: query, schema: {type: integer}}`, "", ""},
		{"boolean", `{name: a, in: query, schema: {type: boolean}}`, "a=True", "/a: must be boolean"},
		{"text that looks like a number", `{name: a, in: query, schema: {type: string, maxLength: 1}}`, "a=12", "/a: must have at most 1 characters"},
		{"text or number", `{name: a, in: query, schema: {type: [string, integer], enum: [5, x]}}`, "a=5", ""},
		{"text or number, as text", `{name: a, in: query, schema: {enum: ["5"]}}`, "a=5", ""},
		{"one of several", `{name: a, in: query, schema: {anyOf: [{type: integer, minimum: 3}, {const: all}]}}`, "a=all", ""},
		{"decoded", `{name: a, in: query, schema: {const: "ä b&"}}`, "a=%C3%A4+b%26", ""},
		{"a name, decoded", `{name: "a[]", in: query, schema: {type: integer}}`, "a%5B%5D=x", "/a[]: must be integer"},
		{"twice", `{name: a, in: query, schema: {type: string}}`, "a=1&a=2", "/a: stands there more than once"},
		{"twice, in two spellings", `{name: a, in: query, schema: {type: string}}`, "a=1&%61=2", "/a: stands there more than once"},
		{"broken escape", `{name: a, in: query, schema: {type: string}}`, "a=%4", "/a: is not encoded as it must be"},
		{"not UTF-8", `{name: a, in: query, schema: {type: string}}`, "a=%ff", "/a: is not encoded as it must be"},
		{"a name that is broken", `{name: a, in: query, schema: {type: string}}`, "%zz=1", ": holds a name that is not encoded as it must be"},
		{"list", ints + `}`, "a=1&a=2", ""},
		{"list, an item", ints + `}`, "a=1&a=x", "/a/1: must be integer"},
		{"list, not exploded", ints + `, explode: false}`, "a=1,x", "/a/1: must be integer"},
		{"list, a comma in an item", `{name: a, in: query, explode: false, schema: {type: array, items: {type: string}, maxItems: 1}}`, "a=1%2C2", ""},
		{"list, not exploded and twice", ints + `, explode: false}`, "a=1,2&a=3", "/a: stands there more than once"},
		{"spaces", ints + `, style: spaceDelimited}`, "a=1%202+x", "/a/2: must be integer"},
		{"pipes", ints + `, style: pipeDelimited}`, "a=1|x%7C2", "/a/1: must be integer"},
		{"object, its members by themselves", object + `}`, "x=1&y=true&y=no", "/a/y/1: must be boolean"},
		{"object, nothing of it", object + `, required: true}`, "z=1", "/a: is missing"},
		{"object, in one", object + `, explode: false}`, "a=x,1,z,2", "/a/z: is not known here"},
		{"object, an odd part", object + `, explode: false}`, "a=x,1,z", "/a: is malformed"},
		{"deep", object + `, style: deepObject}`, "a[x]=1&a%5By%5D=true&a[y]=false", ""},
		{"deep, a member", object + `, style: deepObject}`, "a[x]=one", "/a/x: must be integer"},
		{"deep, a member twice", object + `, style: deepObject}`, "a[x]=1&a[x]=2", "/a: stands there more than once"},
		{"deep, a number that has members", object + `, style: deepObject}`, "a[x][y]=1", "/a/x: must be integer"},
		{"deep, a text and members", object + `, style: deepObject}`, "a[x]=1&a[x][y]=1", "/a: is malformed"},
		{"deep, lists of objects", `{name: a, in: query, style: deepObject, schema: {type: array, items: {properties: {x: {type: integer}}}}}`, "a[0][x]=1&a[1][x]=2&a[1][y]=3&a[][x]=n", "/a/2/x: must be integer"},
		{"deep, a list", `{name: a, in: query, style: deepObject, schema: {type: array, items: {type: integer}, maxItems: 2}}`, "a[]=1&a=2&a[2]=3", "/a: must have at most 2 items"},
		{"deep, a list with a gap", `{name: a, in: query, style: deepObject, schema: {type: array, items: {type: integer}}}`, "a[7]=1", "/a: is malformed"},
		{"deep, brackets that do not close", object + `, style: deepObject}`, "a[x=1", "/a: is malformed"},
		{"deep, too deep", object + `, style: deepObject}`, "a[z][1][2][3][4][5][6][7][8]=1", "/a: is malformed"},
		{"JSON", `{name: a, in: query, content: {application/json: {schema: {required: [x]}}}}`, "a=%7B%22y%22:1%7D", "/a/x: is missing"},
		{"JSON with a member twice", `{name: a, in: query, content: {application/json: {schema: {}}}}`, `a={"x":1,"x":2}`, "/a: must be JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := operation(t, three, "/", tt.parameter)
			found, _ := d.Find("GET", "")
			c := schema.NewCheck(schema.Request)
			found.CheckQuery(c, []byte(tt.query), true)
			if diff := cmp.Diff(tt.want, list(c)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.query, diff)
			}
		})
	}
}

func TestUnknownQuery(t *testing.T) {
	d := operation(t, three, "/", `{name: f, in: query, style: deepObject, schema: {type: object}}`)
	found, _ := d.Find("GET", "/")
	c := schema.NewCheck(schema.Request)
	found.CheckQuery(c, []byte("f[a]=1&b=2&b=3&%66=4&c/d"), false)
	if got, want := list(c), "/b: is not known here\n/f: is not known here\n/c~1d: is not known here"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestPath(t *testing.T) {
	const ints = `{name: a, in: path, required: true, schema: {type: array, items: {type: integer}}`
	for _, tt := range []struct{ name, template, parameter, path, want string }{
		{"integer", "/x/{a}", `{name: a, in: path, required: true, schema: {type: integer}}`, "/x/5", ""},
		{"no integer", "/x/{a}", `{name: a, in: path, required: true, schema: {type: integer}}`, "/x/y", "/a: must be integer"},
		{"decoded", "/x/{a}", `{name: a, in: path, required: true, schema: {const: "a b"}}`, "/x/a%20b", ""},
		{"a part of a segment", "/x/{a}.json", `{name: a, in: path, required: true, schema: {type: integer}}`, "/x/a.json", "/a: must be integer"},
		{"two in a segment", "/{b}:{a}", `{name: a, in: path, required: true, schema: {type: integer}}`, "/x:y", "/a: must be integer"},
		{"list", "/x/{a}", ints + `}`, "/x/1,2,y", "/a/2: must be integer"},
		{"a comma in an item", "/x/{a}", ints + `}`, "/x/1%2C2", "/a/0: must be integer"},
		{"label", "/x/{a}", ints + `, style: label, explode: true}`, "/x/.1.y", "/a/1: must be integer"},
		{"label, not exploded", "/x/{a}", ints + `, style: label}`, "/x/.1,y", "/a/1: must be integer"},
		{"no label", "/x/{a}", ints + `, style: label}`, "/x/1", "/a: is malformed"},
		{"label of a text", "/x/{a}", `{name: a, in: path, required: true, style: label, schema: {type: integer}}`, "/x/.y", "/a: must be integer"},
		{"matrix", "/x/{a}", ints + `, style: matrix, explode: true}`, "/x/;a=1;a=y", "/a/1: must be integer"},
		{"matrix, not exploded", "/x/{a}", ints + `, style: matrix}`, "/x/;a=1,y", "/a/1: must be integer"},
		{"matrix of another name", "/x/{a}", ints + `, style: matrix}`, "/x/;b=1", "/a: is malformed"},
		{"matrix of an object", "/x/{a}", `{name: a, in: path, required: true, style: matrix, explode: true, schema: {type: object, properties: {b: {type: integer}}}}`, "/x/;b=y;c=1", "/a/b: must be integer"},
		{"object", "/x/{a}", `{name: a, in: path, required: true, explode: true, schema: {type: object, properties: {b: {type: integer}}}}`, "/x/b=y,c=1", "/a/b: must be integer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := operation(t, three, tt.template, tt.parameter)
			found, _ := d.Find("GET", tt.path)
			if found.Operation == nil {
				t.Fatal("not found")
			}
			c := schema.NewCheck(schema.Request)
			found.CheckPath(c)
			if got := list(c); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// fields visits lines "Name: value".
func fields(lines ...string) definition.Headers {
	return func(visit func(name, value []byte)) {
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			visit([]byte(name), []byte(value))
		}
	}
}

func TestHeadersAndCookies(t *testing.T) {
	for _, tt := range []struct {
		name, parameter string
		lines           []string
		want            string
	}{
		{"header", `{name: X-Limit, in: header, schema: {type: integer}}`, []string{"x-limit: many"}, "/x-limit: must be integer"},
		{"header that is missing", `{name: X-Limit, in: header, required: true}`, nil, "/x-limit: is missing"},
		{"list in several lines", `{name: X-Ids, in: header, schema: {type: array, items: {type: integer}, maxItems: 3}}`, []string{"X-Ids: 1, 2", "X-IDS: 3, 4"}, "/x-ids: must have at most 3 items"},
		{"a text in two lines", `{name: X-A, in: header, schema: {maxLength: 1}}`, []string{"X-A: 1", "X-A: 2"}, "/x-a: must have at most 1 characters"},
		{"said elsewhere", `{name: Authorization, in: header, required: true}`, nil, ""},
		{"cookie", `{name: sid, in: cookie, required: true, schema: {format: uuid}}`, []string{"Cookie: a=1; sid=x"}, "/sid: must be a uuid"},
		{"cookie that is missing", `{name: sid, in: cookie, required: true}`, []string{"Cookie: a=1"}, "/sid: is missing"},
		{"cookie twice", `{name: sid, in: cookie, schema: {type: string}}`, []string{"Cookie: sid=1", "cookie: sid=2"}, "/sid: stands there more than once"},
		{"too many cookies", `{name: n, in: cookie, schema: {type: integer}}`, []string{"Cookie: " + strings.Repeat("a;", 20_000) + "n=x"}, ": holds too many parameters"},
		{"quoted cookie", `{name: n, in: cookie, schema: {type: integer}}`, []string{`Cookie: n="5"`}, ""},
		{"cookie, not UTF-8", `{name: n, in: cookie, schema: {type: string}}`, []string{"Cookie: n=\xff"}, "/n: is not encoded as it must be"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := operation(t, three, "/", tt.parameter)
			found, _ := d.Find("GET", "/")
			c := schema.NewCheck(schema.Request)
			found.CheckHeaders(c, fields(tt.lines...))
			found.CheckCookies(c, fields(tt.lines...))
			if got := list(c); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSwaggerParameters(t *testing.T) {
	for _, tt := range []struct{ parameter, query, want string }{
		{`{name: a, in: query, type: integer, maximum: 5, exclusiveMaximum: true}`, "a=5", "/a: must be below 5"},
		{`{name: a, in: query, type: string, required: true}`, "", "/a: is missing"},
		{`{name: a, in: query, type: array, items: {type: integer}}`, "a=1,x", "/a/1: must be integer"},
		{`{name: a, in: query, type: array, items: {type: integer}, collectionFormat: multi}`, "a=1&a=x", "/a/1: must be integer"},
		{`{name: a, in: query, type: array, items: {type: integer}, collectionFormat: ssv}`, "a=1%20x", "/a/1: must be integer"},
		{`{name: a, in: query, type: array, items: {type: integer}, collectionFormat: tsv}`, "a=1%09x", "/a/1: must be integer"},
		{`{name: a, in: query, type: array, items: {type: integer}, collectionFormat: pipes}`, "a=1|x", "/a/1: must be integer"},
		{`{name: a, in: query, type: array, items: {type: string}, uniqueItems: true}`, "a=x,x", "/a: item 1 stands there before"},
	} {
		d := operation(t, `swagger: "2.0"`, "/", tt.parameter)
		found, _ := d.Find("GET", "/")
		c := schema.NewCheck(schema.Request)
		found.CheckQuery(c, []byte(tt.query), true)
		if got := list(c); got != tt.want {
			t.Errorf("%s, %s: got %q, want %q", tt.parameter, tt.query, got, tt.want)
		}
	}
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}
