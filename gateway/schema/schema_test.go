package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/schema"
)

func parse(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// compile makes a schema of a document that is nothing else.
func compile(t testing.TB, text string, old bool) (*schema.Schema, []schema.Problem) {
	t.Helper()
	root := parse(t, text)
	c := schema.NewCompiler(schema.Documents{"api.yaml": root}, old)
	s := c.Compile(schema.Node{File: "api.yaml", Value: root})
	return s, c.Finish()
}

func mustCompile(t testing.TB, text string, old bool) *schema.Schema {
	t.Helper()
	s, problems := compile(t, text, old)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", text, problems)
	}
	return s
}

// faults are what is wrong with a value, sorted, one in a line.
func faults(t testing.TB, s *schema.Schema, direction schema.Direction, value string) string {
	t.Helper()
	c := schema.NewCheck(direction)
	ok := c.Value(s, "", parse(t, value))
	if ok != (len(c.Faults) == 0) {
		t.Errorf("%s: good is %v with the faults %v", value, ok, c.Faults)
	}
	var lines []string
	for _, f := range c.Faults {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Pointer, f.Detail))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestValue(t *testing.T) {
	for _, tt := range []struct{ name, schema, value, want string }{
		{"anything", `{}`, `[1]`, ""},
		{"nothing", `false`, `1`, ": must not be there"},
		{"type", `{"type": "string"}`, `1`, ": must be string"},
		{"types", `{"type": ["string", "null"]}`, `true`, ": must be null or string"},
		{"a number with a fraction of nothing is whole", `{"type": "integer"}`, `1.0`, ""},
		{"power", `{"type": "integer"}`, `12e-1`, ": must be integer"},
		{"integers are numbers", `{"type": "number"}`, `7`, ""},
		{"nullable", `{"type": "string", "nullable": true}`, `null`, ""},
		{"enum", `{"enum": ["a", 1, null]}`, `"b"`, `: must be one of "a", 1, null`},
		{"equal numbers", `{"enum": [1.50]}`, `15e-1`, ""},
		{"const", `{"const": {"a": [1, 2]}}`, `{"a": [1.0, 2]}`, ""},
		{"minimum", `{"minimum": 10}`, `9.999`, ": must be at least 10"},
		{"beyond any float", `{"maximum": 9007199254740992}`, `9007199254740993`, ": must be at most 9007199254740992"},
		{"below zero", `{"minimum": -2}`, `-3`, ": must be at least -2"},
		{"exclusive", `{"exclusiveMaximum": 3}`, `3.0`, ": must be below 3"},
		{"exclusive, as a flag", `{"maximum": 3, "exclusiveMaximum": true}`, `3`, ": must be below 3"},
		{"inclusive, as a flag", `{"minimum": 3, "exclusiveMinimum": false}`, `3`, ""},
		{"multiple", `{"multipleOf": 0.01}`, `19.99`, ""},
		{"no multiple", `{"multipleOf": 0.01}`, `19.999`, ": must be a multiple of 0.01"},
		{"a multiple far away", `{"multipleOf": 3}`, `1e900000`, ": must be a multiple of 3"},
		{"far beyond", `{"minimum": 1}`, `1e99999999`, ": is a number beyond those that can be compared"},
		{"length in characters", `{"maxLength": 3}`, `"äöü"`, ""},
		{"length", `{"minLength": 4}`, `"äöü"`, ": must have at least 4 characters"},
		{"pattern somewhere", `{"pattern": "b+"}`, `"abc"`, ""},
		{"pattern", `{"pattern": "^\\d+$"}`, `"12a"`, `: must match ^\d+$`},
		{"format", `{"format": "date"}`, `"2026-02-30"`, ": must be a date"},
		{"format of numbers", `{"format": "int32"}`, `2147483648`, ": must be a number of the format int32"},
		{"format nobody knows", `{"format": "colour"}`, `"x"`, ""},
		{"items", `{"items": {"type": "integer"}}`, `[1, "a", 2, null]`, "/1: must be integer\n/3: must be integer"},
		{"prefix", `{"prefixItems": [{"type": "string"}], "items": false}`, `["a", 1]`, "/1: is not known here"},
		{"number of items", `{"maxItems": 1, "items": {"type": "string"}}`, `[1, 2]`, ": must have at most 1 items"},
		{"unique", `{"uniqueItems": true}`, `[{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]`, ": item 1 stands there before"},
		{"contains", `{"contains": {"const": 1}, "minContains": 2}`, `[1, 2]`, ": must have at least 2 items of a kind (contains)"},
		{"required", `{"required": ["a", "b"]}`, `{"a": 1}`, "/b: is missing"},
		{
			"all faults", `{"required": ["z"], "properties": {"a": {"type": "string"}, "b": {"properties": {"c": {"minimum": 1}}}}}`,
			`{"a": 1, "b": {"c": 0}}`, "/a: must be string\n/b/c: must be at least 1\n/z: is missing",
		},
		{
			"additional", `{"properties": {"a": true}, "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": false}`,
			`{"a": 1, "x-y": 2, "b": 3}`, "/b: is not known here\n/x-y: must be string",
		},
		{"additional schema", `{"additionalProperties": {"type": "string"}}`, `{"a/b~c": 1}`, "/a~1b~0c: must be string"},
		{"names", `{"propertyNames": {"maxLength": 2}}`, `{"abc": 1}`, "/abc: has a name that is not allowed"},
		{"dependent", `{"dependentRequired": {"card": ["name"]}}`, `{"card": 1}`, "/name: is missing"},
		{"dependent schema", `{"dependentSchemas": {"a": {"required": ["b"]}}}`, `{"a": 1}`, "/b: is missing"},
		{"allOf", `{"allOf": [{"minimum": 5}, {"multipleOf": 2}]}`, `3`, ": must be a multiple of 2\n: must be at least 5"},
		{"anyOf", `{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{}`, ": fits none of the 2 schemas allowed here (anyOf)"},
		{"anyOf, the only one for its kind", `{"anyOf": [{"type": "null"}, {"type": "object", "required": ["a"]}]}`, `{}`, "/a: is missing"},
		{"oneOf", `{"oneOf": [{"minimum": 1}, {"minimum": 2}]}`, `3`, ": fits more than one of the schemas that exclude each other (oneOf)"},
		{"not", `{"not": {"type": "string"}}`, `"a"`, ": is what it must not be (not)"},
		{"if", `{"if": {"const": 1}, "then": {"type": "string"}, "else": {"maximum": 5}}`, `6`, ": must be at most 5"},
		{"unevaluated", `{"allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}`, `{"a": 1, "b": 2}`, "/b: is not known here"},
		{"unevaluated items", `{"prefixItems": [true], "unevaluatedItems": {"type": "string"}}`, `[1, 2]`, "/1: must be string"},
		{
			"reference", `{"$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}, "required": ["v"]}}, "$ref": "#/$defs/n"}`,
			`{"v": 1, "next": {"v": 1, "next": {}}}`, "/next/next/v: is missing",
		},
		{"beside a reference", `{"$defs": {"a": {}}, "$ref": "#/$defs/a", "type": "string"}`, `1`, ": must be string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := faults(t, mustCompile(t, tt.schema, false), schema.Request, tt.value)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s by %s (-want +got):\n%s", tt.value, tt.schema, diff)
			}
		})
	}
}

func TestDirection(t *testing.T) {
	s := mustCompile(t, `{"required": ["id", "password"], "properties": {
		"id": {"readOnly": true}, "password": {"$ref": "#/$defs/secret"}}, "$defs": {"secret": {"writeOnly": true}}}`, false)
	for _, tt := range []struct {
		name      string
		direction schema.Direction
		value     string
		want      string
	}{
		{"a request lacks what is read-only", schema.Request, `{"password": "x"}`, ""},
		{"a request holds what is read-only", schema.Request, `{"id": 1, "password": "x"}`, "/id: is read-only: it must not be sent"},
		{"an answer lacks what is write-only", schema.Answer, `{"id": 1}`, ""},
		{"an answer holds what is write-only", schema.Answer, `{"id": 1, "password": "x"}`, "/password: is write-only: it must not be given out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := faults(t, s, tt.direction, tt.value); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDiscriminator(t *testing.T) {
	s := mustCompile(t, `{"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
		"discriminator": {"propertyName": "kind", "mapping": {"tom": "Cat", "rex": "#/components/schemas/Dog"}},
		"components": {"schemas": {
			"Cat": {"required": ["lives"], "properties": {"kind": {"type": "string"}}},
			"Dog": {"required": ["tricks"], "properties": {"kind": {"type": "string"}}}}}}`, true)
	for _, tt := range []struct{ value, want string }{
		{`{"kind": "Cat", "lives": 9}`, ""},
		{`{"kind": "tom"}`, "/lives: is missing"},
		{`{"kind": "rex", "lives": 9}`, "/tricks: is missing"},
		{`{"kind": "Cow"}`, "/kind: must name one of the schemas allowed here"},
		{`{"lives": 9}`, "/kind: must name one of the schemas allowed here"},
		{`7`, ": must be object"},
	} {
		if got := faults(t, s, schema.Request, tt.value); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name, schema, want string
	}{
		{"no schema", `{"items": []}`, "api.yaml#/items: must be a schema"},
		{"type", `{"type": "text"}`, "api.yaml#/type: must be one of null, boolean, integer, number, string, array, object"},
		{"required", `{"required": true}`, "api.yaml#/required: must be a list of strings"},
		{"count", `{"minLength": -1}`, "api.yaml#/minLength: must be a whole number, 0 or more"},
		{"number", `{"minimum": "1"}`, "api.yaml#/minimum: must be a number"},
		{"multiple of nothing", `{"multipleOf": 0}`, "api.yaml#/multipleOf: must be above 0"},
		{"lookahead", `{"pattern": "(?=a)b"}`, `api.yaml#/pattern: pattern "(?=a" is not supported: RE2 has no lookaround`},
		{"back reference", `{"pattern": "(a)\\1"}`, `api.yaml#/pattern: pattern "\\1" is not supported: RE2 has no such escape and no back references`},
		{"too much", `{"pattern": "((a{1000}){1000})"}`, "api.yaml#/pattern: pattern invalid repeat count: \"{1000}\" (RE2 has no lookaround and no back references)"},
		{"a name of properties", `{"patternProperties": {"(": {}}}`, `api.yaml#/patternProperties/(: pattern missing closing ): "(" (RE2 has no lookaround and no back references)`},
		{"nowhere", `{"properties": {"a": {"$ref": "#/b"}}}`, `api.yaml#/properties/a/$ref: "#/b" leads nowhere`},
		{"fetched", `{"$ref": "https://example.com/a.yaml"}`, `api.yaml#/$ref: "https://example.com/a.yaml" is not a file beside the definition; nothing is fetched`},
		{"above", `{"$ref": "../a.yaml"}`, `api.yaml#/$ref: "../a.yaml" is not a file beside the definition`},
		{"not read", `{"$ref": "a.yaml"}`, `api.yaml#/$ref: "a.yaml" leads to a file that could not be read`},
		{"dynamic", `{"$dynamicRef": "#a"}`, "api.yaml#/$dynamicRef: is not supported: use $ref"},
		{"itself", `{"$ref": "#"}`, "api.yaml: applies itself to the same value, without end"},
		{"itself by way of others", `{"anyOf": [{"not": {"$ref": "#"}}]}`, "api.yaml#/anyOf/0/not: applies itself to the same value, without end"},
		{"discriminator", `{"discriminator": {"propertyName": "a"}, "oneOf": [{}]}`, "api.yaml#/discriminator: a discriminator needs a $ref in each of oneOf and anyOf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := compile(t, tt.schema, false)
			var got []string
			for _, p := range problems {
				got = append(got, p.Place.String()+": "+p.Message)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferencesBetweenFiles(t *testing.T) {
	documents := schema.Documents{
		"/etc/api.yaml":            parse(t, `{"$ref": "parts/a.yaml#/a~1b"}`),
		"/etc/parts/a.yaml":        parse(t, `{"a/b": {"items": {"$ref": "more/b%20c.yaml"}}}`),
		"/etc/parts/more/b c.yaml": parse(t, `{"type": "string"}`),
	}
	c := schema.NewCompiler(documents, true)
	s := c.Compile(schema.Node{File: "/etc/api.yaml", Value: documents["/etc/api.yaml"]})
	if problems := c.Finish(); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := faults(t, s, schema.Request, `[1]`); got != "/0: must be string" {
		t.Errorf("got %q", got)
	}
}

// A recursive schema with anyOf takes twice the time for each level, and what is
// sent is a stranger's choice.
func TestWorkIsBounded(t *testing.T) {
	nested := strings.Repeat(`{"a":`, 90) + `1` + strings.Repeat(`}`, 90)
	list := "[" + strings.Repeat(`"a",`, 200_000) + `"b"]`
	for _, tt := range []struct{ name, schema, value string }{
		{"doubling", `{"anyOf": [
			{"allOf": [{"properties": {"a": {"$ref": "#"}}}, {"required": ["b"]}]},
			{"allOf": [{"properties": {"a": {"$ref": "#"}}}, {"required": ["c"]}]}, {}]}`, nested},
		{"doubling, inverted", `{"not": {"allOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}]}}`, nested},
		{"patterns", `{"items": {"pattern": "(ab?c?){1,200}"}}`, list},
		{"many schemas", `{"items": {"allOf": [{}, {}, {}, {}, {}, {}]}}`, list},
		{"many values, again and again", `{"allOf": [{"uniqueItems": true}, {"enum": [1]}, {"const": 1}]}`, "[" + strings.Repeat("[1],", 600_000) + "1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustCompile(t, tt.schema, false)
			c := schema.NewCheck(schema.Request)
			c.Value(s, "", parse(t, tt.value))
			if !c.Exhausted() {
				t.Error("took all the time it wanted")
			}
		})
	}
}

func TestFaultsAreBounded(t *testing.T) {
	s := mustCompile(t, `{"additionalProperties": false}`, false)
	c := schema.NewCheck(schema.Request)
	var body bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&body, `,"%d%s":1`, i, strings.Repeat("ä", 500))
	}
	if c.Value(s, "", parse(t, "{"+body.String()[1:]+"}")) {
		t.Fatal("good")
	}
	if len(c.Faults) != schema.MaxFaults {
		t.Errorf("%d faults", len(c.Faults))
	}
	for _, f := range c.Faults {
		if len(f.Pointer) > 210 || len(f.Detail) > 210 {
			t.Errorf("too long: %q, %q", f.Pointer, f.Detail)
		}
	}
}
