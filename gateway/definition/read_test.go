package definition_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/definition"
	"postern/gateway/schema"
	"postern/provisioning/config"
)

func TestFind(t *testing.T) {
	d := compile(t, three+`
paths:
  /: {get: {responses: {default: {}}}}
  /orders: {get: {responses: {default: {}}}, post: {responses: {default: {}}}}
  /orders/latest: {get: {responses: {default: {}}}}
  "/orders/{id}": {get: {responses: {default: {}}}, delete: {responses: {default: {}}}}
  "/orders/{id}.json": {get: {responses: {default: {}}}}
  "/orders/{id}/items/{item}": {get: {responses: {default: {}}}}
  "/kä se/{a}": {get: {responses: {default: {}}}}
  "/{any}/list": {head: {responses: {default: {}}}}
`)
	for _, tt := range []struct{ method, path, want, allow string }{
		{"GET", "", "/", ""},
		{"GET", "/", "/", ""},
		{"HEAD", "/orders", "/orders", ""},
		{"PUT", "/orders", "", "GET POST"},
		{"GET", "/orders/latest", "/orders/latest", ""},
		{"DELETE", "/orders/latest", "/orders/{id}", ""},
		{"GET", "/orders/7", "/orders/{id}", ""},
		{"GET", "/orders/7.json", "/orders/{id}.json", ""},
		{"GET", "/orders/.json", "/orders/{id}", ""},
		{"GET", "/orders/", "", ""},
		{"GET", "/orders//items/1", "", ""},
		{"GET", "/orders/7/items/a%2Fb", "/orders/{id}/items/{item}", ""},
		{"GET", "/k%C3%A4%20se/1", "/kä se/{a}", ""},
		{"HEAD", "/orders/list", "/orders/{id}", ""},
		{"HEAD", "/x/list", "/{any}/list", ""},
		{"GET", "/x/list", "", "HEAD"},
		{"GET", "/nowhere", "", ""},
	} {
		found, allow := d.Find(tt.method, tt.path)
		got := ""
		if found.Operation != nil {
			got = found.Path
		}
		if got != tt.want || strings.Join(allow, " ") != tt.allow {
			t.Errorf("%s %s: %q, allow %q", tt.method, tt.path, got, allow)
		}
	}
	for _, tt := range []struct {
		method, path string
		want         bool
	}{
		{"GET", "/orders/{x}", true},
		{"HEAD", "/orders/{x}", true},
		{"PUT", "/orders/{x}", false},
		{"", "/orders/**", true},
		{"DELETE", "/orders/**", true},
		{"", "/invoices/**", true},
		{"", "/invoices/x/y/**", false},
		{"", "/invoices", false},
		{"", "/**", true},
		{"GET", "/orders/7", true},
		{"GET", "/a/b/c/d/e", false},
	} {
		if got := d.Knows(tt.method, tt.path); got != tt.want {
			t.Errorf("%s %s: known is %v", tt.method, tt.path, got)
		}
	}
}

// What is wrong with a definition is told with its place, all of it.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"version", `openapi: 3.2.0`, `api.yaml: must begin with swagger: "2.0", openapi: 3.0.x or openapi: 3.1.x`},
		{"another dialect", three + "\njsonSchemaDialect: http://json-schema.org/draft-07/schema", "api.yaml#/jsonSchemaDialect: only JSON Schema 2020-12 is known"},
		{"no paths", three, "api.yaml#/paths: there are no paths"},
		{
			"path", three + "\npaths: {orders: {}, \"/{}\": {}, \"/{a}{b}\": {}, \"/a}\": {}, \"/{a\": {}}",
			"api.yaml#/paths/~1a}: } without {\napi.yaml#/paths/~1{a: { without a name and }\napi.yaml#/paths/~1{a}{b}: two parameters with nothing between them\napi.yaml#/paths/~1{}: { without a name and }\napi.yaml#/paths/orders: a path begins with a slash",
		},
		{
			"operation", three + "\npaths: {/a: {get: 5, put: {}, post: {responses: {20: {description: x}}}}}",
			"api.yaml#/paths/~1a/get: must be an object\napi.yaml#/paths/~1a/put/responses: there are none\napi.yaml#/paths/~1a/post/responses/20: \"20\" is no status, no class such as 4XX and not default\napi.yaml#/paths/~1a/post/responses: there are none",
		},
		{
			"parameters", three + "\npaths: {/a: {get: {responses: {default: {}}, parameters: [{in: matrix, name: a}, {in: query}, {in: path, name: a}, {in: query, name: b, style: label}, {in: query, name: b, style: form}, {$ref: '#/x'}, {in: query, name: c, schema: {type: text}}]}}}",
			"api.yaml#/paths/~1a/get/parameters/4: the parameter stands there twice\napi.yaml#/paths/~1a/get/parameters/5: \"#/x\" leads nowhere\napi.yaml#/paths/~1a/get/parameters/0/in: must be query, path, header or cookie\napi.yaml#/paths/~1a/get/parameters/1/name: is missing\napi.yaml#/paths/~1a/get/parameters/2: the path has no {a}\napi.yaml#/paths/~1a/get/parameters/3/style: \"label\" is no style for this place\napi.yaml#/paths/~1a/get/parameters/6/schema/type: must be one of null, boolean, integer, number, string, array, object",
		},
		{"body", three + "\npaths: {/a: {post: {responses: {default: {}}, requestBody: {}}}}", "api.yaml#/paths/~1a/post/requestBody/content: a body without a content type is none"},
		{
			"swagger", "swagger: \"2.0\"\npaths: {/a: {get: {responses: {default: {}}, parameters: [{in: query, name: a, type: array, collectionFormat: lines}]}}}",
			"api.yaml#/paths/~1a/get/parameters/0/collectionFormat: must be csv, ssv, tsv, pipes or multi",
		},
		{"the same path twice", three + "\npaths: {/a: {get: {responses: {default: {}}}}, /%61: {get: {responses: {default: {}}}}}", "api.yaml#/paths/~1a/get: the definition has the same path and method twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := definition.New(read(t, tt.text, nil))
			var faults config.Faults
			if !errors.As(err, &faults) {
				t.Fatal(err)
			}
			var got []string
			for _, f := range faults {
				if len(f.Path) != 1 || f.Path[0] != "file" {
					t.Errorf("at %v", f.Path)
				}
				got = append(got, f.Message)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesBeside(t *testing.T) {
	cfg := read(t, `{"openapi": "3.0.3", "paths": {
		"/a": {"$ref": "paths/a.yaml"},
		"/b": {"get": {"responses": {"default": {"description": "see https://example.com/#x"}}, "parameters": [{"$ref": "common.json#/limit"}]}}}}`,
		map[string]string{
			"paths/a.yaml": "get: &g\n  parameters: [{$ref: '../common.json#/limit'}]\n  responses: {default: {description: x}}\nput: *g\n",
			"common.json":  "{\"limit\": {\n\t\"name\": \"limit\", \"in\": \"query\", \"schema\": {\"$ref\": \"types.yaml#/Limit\"}}}",
			"types.yaml":   "Limit: {type: integer, maximum: 0x10, description: 2026-11-25}\n",
			"unused.yaml":  "a: b\n",
		})
	if len(cfg.Documents) != 4 {
		t.Errorf("%d documents", len(cfg.Documents))
	}
	d, err := definition.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "PUT"} {
		found, _ := d.Find(method, "/a")
		c := schema.NewCheck(schema.Request)
		found.CheckQuery(c, []byte("limit=17"), true)
		if got := list(c); got != "/limit: must be at most 16" {
			t.Errorf("%s: got %q", method, got)
		}
	}
}

// The digest names what was read, and nothing above the definition's folder is.
func TestFilesThatAreNotRead(t *testing.T) {
	text := "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      parameters: [{$ref: 'parts/p.yaml#/limit'}]\n      responses: {default: {description: x}}\n"
	files := map[string]string{"parts/p.yaml": "limit: {name: limit, in: query, schema: {$ref: 'types.yaml#/Limit'}}\n", "parts/types.yaml": "Limit: {type: integer}\n"}
	first := read(t, text, files)
	if again := read(t, text, files); again.Digest != first.Digest {
		t.Error("the digest depends on where the files lie")
	}
	files["parts/types.yaml"] = "Limit: {type: number}\n"
	if changed := read(t, text, files); changed.Digest == first.Digest {
		t.Error("the digest does not depend on a file beside")
	}
	delete(files, "parts/types.yaml")
	if got, want := faultOf(read(t, text, files)), `parts/p.yaml#/limit/schema/$ref: "types.yaml#/Limit" leads to a file that could not be read`; got != want {
		t.Errorf("a file that is missing: %s", got)
	}
	files["parts/p.yaml"] = "limit: {name: limit, in: query, schema: {$ref: '../../postern.yaml'}}\n"
	if got, want := faultOf(read(t, text, files)), `parts/p.yaml#/limit/schema/$ref: "../../postern.yaml" is not a file beside the definition`; got != want {
		t.Errorf("a file above: %s", got)
	}
}

func faultOf(cfg *config.Definition) string {
	_, err := definition.New(cfg)
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1 {
		return fmt.Sprint(err)
	}
	return faults[0].Message
}

func TestOperationsOfAPathTakeOverItsParameters(t *testing.T) {
	d := compile(t, three+`
paths:
  "/a/{id}":
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}, {name: q, in: query, required: true}]
    get: {responses: {default: {}}, parameters: [{name: q, in: query}]}
    put: {responses: {default: {}}}
`)
	var got []string
	for _, method := range []string{"GET", "PUT"} {
		found, _ := d.Find(method, "/a/x")
		c := schema.NewCheck(schema.Request)
		found.CheckPath(c)
		found.CheckQuery(c, nil, true)
		got = append(got, method+" "+list(c))
	}
	if want := []string{"GET /id: must be integer", "PUT /id: must be integer\n/q: is missing"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzDefinition(f *testing.F) {
	for _, text := range []string{
		`{"openapi": "3.1.0", "paths": {"/a/{b}": {"get": {"parameters": [{"name": "b", "in": "path", "schema": {"$ref": "#/x"}}], "responses": {"200": {"content": {"application/json": {"schema": {"oneOf": [{"$ref": "#/x"}]}}}}}}}}, "x": {"type": "integer", "pattern": "a"}}`,
		"swagger: \"2.0\"\nconsumes: [multipart/form-data]\npaths:\n  /a: {post: {parameters: [{in: formData, name: a, type: file}, {in: body, name: b, schema: {}}], responses: {default: {schema: {type: file}}}}}\n",
		"openapi: 3.0.0\npaths: {/: {$ref: 'b.yaml'}}\nx: &a [*a]\n",
	} {
		f.Add(text, "/a/1", "a=1&b[c]=2")
	}
	f.Fuzz(func(t *testing.T, text, path, query string) {
		documents, ok := parsed(text)
		if !ok {
			return
		}
		d, err := definition.New(documents)
		if err != nil {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			found, _ := d.Find(method, path)
			if found.Operation == nil {
				continue
			}
			c := schema.NewCheck(schema.Request)
			found.CheckPath(c)
			found.CheckQuery(c, []byte(query), false)
			found.CheckHeaders(c, fields("A: "+query))
			found.CheckCookies(c, fields("Cookie: "+query))
			if len(c.Faults) > schema.MaxFaults {
				t.Errorf("%d faults", len(c.Faults))
			}
		}
	})
}

// parsed is a definition of JSON, without a file.
func parsed(text string) (*config.Definition, bool) {
	var root any
	if root = decoded(text); root == nil {
		return nil, false
	}
	return &config.Definition{File: config.File{Path: "api.yaml"}, Documents: map[string]any{"api.yaml": root}}, true
}
