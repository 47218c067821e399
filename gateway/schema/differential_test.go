//go:build !race

// One goroutine counts time and draws lots here; the race detector has nothing to
// find, and needs minutes for it.

package schema_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"postern/gateway/schema"
)

// dice makes schemas and values of bytes.
type dice struct {
	bytes []byte
	depth int
}

func (d *dice) roll(sides int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % sides
}

var (
	names    = []string{"a", "b", "c", "aa"}
	numbers  = []string{"0", "1", "2", "1.0", "-1", "0.5", "1e1", "3", "10", "1e-1", "-0", "12345678901234567890"}
	texts    = []string{"", "a", "ab", "é", "b1", "2026-11-25"}
	patterns = []string{"^a", "b$", "[0-9]", "^.$", "^$"}
	types    = []string{"null", "boolean", "integer", "number", "string", "array", "object"}
)

func pick[T any](d *dice, list []T) T { return list[d.roll(len(list))] }

// value makes any value of JSON.
func (d *dice) value() any {
	d.depth++
	defer func() { d.depth-- }()
	switch n := d.roll(9); {
	case n == 0:
		return nil
	case n == 1:
		return d.roll(2) == 1
	case n < 4 || d.depth > 4:
		return json.Number(pick(d, numbers))
	case n == 4:
		return pick(d, texts)
	case n < 7:
		list := []any{}
		for range d.roll(4) {
			list = append(list, d.value())
		}
		return list
	}
	object := map[string]any{}
	for range d.roll(4) {
		object[pick(d, names)] = d.value()
	}
	return object
}

func (d *dice) number() json.Number { return json.Number(pick(d, numbers)) }

func (d *dice) count() json.Number { return json.Number(strconv.Itoa(d.roll(4))) }

func (d *dice) list(least int) []any {
	var list []any
	for range least + d.roll(2) {
		list = append(list, d.schema())
	}
	return list
}

func (d *dice) named() map[string]any {
	object := map[string]any{}
	for range 1 + d.roll(2) {
		object[pick(d, names)] = d.schema()
	}
	return object
}

// schema makes a schema of a few keywords.
func (d *dice) schema() any {
	d.depth++
	defer func() { d.depth-- }()
	if d.depth > 5 || d.roll(12) == 1 {
		return d.roll(4) != 1
	}
	s := map[string]any{}
	for range 1 + d.roll(3) {
		d.keyword(s)
	}
	return s
}

func (d *dice) keyword(s map[string]any) {
	switch d.roll(34) {
	case 0, 1:
		s["type"] = pick(d, types)
	case 2:
		s["type"] = []any{"null", pick(d, types[1:])}
	case 3:
		s["enum"] = []any{d.value(), "a", json.Number("1")}
	case 4:
		s["const"] = d.value()
	case 5:
		s["minimum"] = d.number()
	case 6:
		s["exclusiveMaximum"] = d.number()
	case 7:
		s["multipleOf"] = json.Number(pick(d, []string{"1", "2", "0.5", "0.1", "3"}))
	case 8:
		s["minLength"] = d.count()
	case 9:
		s["maxLength"] = d.count()
	case 10:
		s["pattern"] = pick(d, patterns)
	case 11:
		s["items"] = d.schema()
	case 12:
		s["prefixItems"] = d.list(1)
	case 13:
		s["contains"], s["minContains"], s["maxContains"] = d.schema(), d.count(), d.count()
	case 14:
		s["contains"] = d.schema()
	case 15:
		s["uniqueItems"] = true
	case 16:
		s["minItems"], s["maxItems"] = d.count(), d.count()
	case 17, 18:
		s["properties"] = d.named()
	case 19:
		s["patternProperties"] = map[string]any{pick(d, patterns): d.schema()}
	case 20:
		s["additionalProperties"] = d.schema()
	case 21:
		s["propertyNames"] = d.schema()
	case 22:
		s["required"] = []any{pick(d, names)}
	case 23:
		s["minProperties"], s["maxProperties"] = d.count(), d.count()
	case 24:
		s["dependentRequired"] = map[string]any{pick(d, names): []any{pick(d, names)}}
	case 25:
		s["dependentSchemas"] = d.named()
	case 26:
		s["allOf"] = d.list(1)
	case 27:
		s["anyOf"] = d.list(1)
	case 28:
		s["oneOf"] = d.list(2)
	case 29:
		s["not"] = d.schema()
	case 30:
		s["if"], s["then"], s["else"] = d.schema(), d.schema(), d.schema()
	case 31:
		s["unevaluatedProperties"] = d.schema()
	case 32:
		s["unevaluatedItems"] = d.schema()
	case 33:
		s["$ref"] = "#/$defs/shared"
	}
}

// compareWithLibrary reports a value that one finds good and the other does not.
func compareWithLibrary(t *testing.T, seed []byte) (good, bad int) {
	d := &dice{bytes: seed}
	root := map[string]any{"$defs": map[string]any{"shared": d.schema()}, "allOf": []any{d.schema()}}
	for range 3 {
		d.keyword(root)
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	c := schema.NewCompiler(schema.Documents{"a.json": root}, false)
	ours := c.Compile(schema.Node{File: "a.json", Value: root})
	problems := c.Finish()
	library := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := library.AddResource("a.json", document); err != nil {
		t.Fatal(err)
	}
	theirs, err := library.Compile("a.json")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if len(problems) > 0 {
		if problems[0].Message != "applies itself to the same value, without end" {
			t.Fatalf("%s: %v", text, problems)
		}
		return 0, 0 // the library finds that out when it judges
	}
	for range 4 {
		v := d.value()
		check := schema.NewCheck(schema.Request)
		got, err := check.Value(ours, "", v), theirs.Validate(v)
		if got != (err == nil) || got != schema.NewCheck(schema.Request).Fits(ours, v) {
			shown, _ := json.Marshal(v)
			t.Fatalf("%s by %s: good is %v here; faults %v; the library: %v", shown, text, got, check.Faults, err)
		}
		if got {
			good++
		} else {
			bad++
		}
	}
	return good, bad
}

func TestAsALibraryHasIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	good, bad := 0, 0
	for range 1500 {
		seed := make([]byte, 160)
		for i := range seed {
			seed[i] = byte(random.UintN(256))
		}
		more, less := compareWithLibrary(t, seed)
		good, bad = good+more, bad+less
	}
	if good < 1000 || bad < 1000 {
		t.Errorf("only %d values were good, and %d bad", good, bad)
	}
}

func FuzzAgainstALibrary(f *testing.F) {
	f.Add([]byte("0123456789"))
	f.Fuzz(func(t *testing.T, seed []byte) { compareWithLibrary(t, seed[:min(len(seed), 400)]) })
}
