package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"postern/provisioning/config"
)

// compiled is the schema as an editor would use it: through JSON.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	made, err := Of()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:postern:schema", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("urn:postern:schema")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// validate judges every document of a YAML file.
func validate(t *testing.T, schema *jsonschema.Schema, path string) error {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return validateText(t, schema, text)
}

func validateText(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	var found []error
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return errors.Join(found...)
		}
		if err != nil {
			t.Fatal(err)
		}
		if document != nil { // nothing between two lines ---
			found = append(found, schema.Validate(document))
		}
	}
}

func corpus(t *testing.T, patterns ...string) (paths []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob("../testdata/" + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no file for %s (%v)", pattern, err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// What only webMethods' settings say is read, and no part of this grammar.
func TestGoodFiles(t *testing.T) {
	schema := compiled(t)
	for _, path := range corpus(t, "*.good.yaml", "../../examples/quickstart/*.yaml") {
		if strings.HasPrefix(filepath.Base(path), "vendor") {
			continue
		}
		if err := validate(t, schema, path); err != nil {
			t.Errorf("%s is a good file, and the schema refuses it: %v", path, err)
		}
	}
}

// TestReadmes: an editor that has the schema finds nothing wrong with what a
// README shows.
func TestReadmes(t *testing.T) {
	schema := compiled(t)
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	blocks := 0
	for _, path := range corpus(t, "../../README.md", "../../introspect/README.md", "../../gateway/*/README.md", "../../gateway/policy/*/README.md", "../../examples/*/README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range block.FindAllSubmatch(text, -1) {
			blocks++
			if err := validateText(t, schema, found[1]); err != nil {
				t.Errorf("%s: %v in\n%s", path, err, found[1])
			}
		}
	}
	if blocks < 10 {
		t.Errorf("only %d blocks", blocks)
	}
}

// TestBadFiles: what is wrong in form an editor shows too.
func TestBadFiles(t *testing.T) {
	schema := compiled(t)
	paths := corpus(t, "key-unknown-*.bad.yaml", "key-far-*.bad.yaml", "list-*.bad.yaml", "text-for-*.bad.yaml",
		"duration-no*.bad.yaml", "size-no*.bad.yaml", "size-unknown-unit.bad.yaml", "secret-two-sources.bad.yaml", "*-word.bad.yaml",
		"logging-*.bad.yaml", "number-*.bad.yaml", "tls-client-auth.bad.yaml")
	for _, path := range paths {
		if validate(t, schema, path) == nil {
			t.Errorf("%s is a bad file, and the schema takes it", path)
		}
	}
}

// structs are the structs of the grammar that are written as mappings.
func structs(t reflect.Type, found map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		structs(t.Elem(), found)
	case reflect.Struct:
		if found[t] || t.PkgPath() != reflect.TypeFor[config.Config]().PkgPath() {
			return
		}
		found[t] = true
		for i := range t.NumField() {
			structs(t.Field(i).Type, found)
		}
	}
}

func TestEveryKeyIsThere(t *testing.T) {
	root, err := Of()
	if err != nil {
		t.Fatal(err)
	}
	found := map[reflect.Type]bool{}
	structs(reflect.TypeFor[config.Config](), found)
	keys := 0
	for typ := range found {
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("yaml")
			if key == "" {
				continue
			}
			keys++
			made, _ := root["$defs"].(object)[typ.Name()].(object)
			properties, _ := made["properties"].(object)
			if properties[key] == nil {
				t.Errorf("the schema has no key %q of %s", key, typ)
			}
		}
	}
	if keys < 80 {
		t.Errorf("the grammar has only %d keys?", keys)
	}
}

// parse reads the Go files of a folder that match, without their tests.
func parse(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// TestUnionsAreRegistered compares unions.go with what the decoder of settings
// treats by itself.
func TestUnionsAreRegistered(t *testing.T) {
	registered := map[string]bool{}
	for typ := range unions() {
		registered[typ.String()] = true
	}
	decoded := 0
	for _, file := range parse(t, "../settings/union.go") {
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name != "union" {
				return false
			}
			clause, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, typ := range clause.List {
				decoded++
				if name := written(typ.(*ast.StarExpr).X); !registered[name] {
					t.Errorf("settings decodes %s by a function of its own: say in provisioning/schema/unions.go how it is written", name)
				}
			}
			return true
		})
	}
	if decoded < 13 {
		t.Errorf("found only %d types in the decoder; has union moved?", decoded)
	}
}

// written is a type as reflect writes it.
func written(typ ast.Expr) string {
	switch typ := typ.(type) {
	case *ast.SelectorExpr:
		return typ.X.(*ast.Ident).Name + "." + typ.Sel.Name
	case *ast.ArrayType:
		return "[]" + written(typ.Elt)
	}
	return "?"
}

// TestWords compares words.go with what Validate accepts.
func TestWords(t *testing.T) {
	known := map[string][][]string{} // by key
	for name, allowed := range words() {
		_, key, _ := strings.Cut(name, ".")
		known[key] = append(known[key], allowed)
	}
	compared := 0
	for _, file := range parse(t, "../config/*.go") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			function, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || function.Sel.Name != "oneOf" {
				return true
			}
			steps := literals(call.Args[0])
			allowed := literals(call.Args[2:]...)
			if call.Ellipsis.IsValid() || len(steps) == 0 || len(allowed) == 0 {
				return true
			}
			compared++
			if key := steps[len(steps)-1]; !slices.ContainsFunc(known[key], func(words []string) bool { return slices.Equal(words, allowed) }) {
				t.Errorf("%q takes the words %q, and the schema says %q: change provisioning/schema/words.go", key, allowed, known[key])
			}
			return true
		})
	}
	if compared < 8 {
		t.Errorf("found only %d lists of words; is oneOf called otherwise?", compared)
	}
}

// literals are the texts in an expression, in order.
func literals(in ...ast.Expr) (all []string) {
	for _, expression := range in {
		ast.Inspect(expression, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err == nil {
					all = append(all, text)
				}
			}
			return true
		})
	}
	return all
}

func TestWordsBelongToKeys(t *testing.T) {
	found := map[reflect.Type]bool{}
	structs(reflect.TypeFor[config.Config](), found)
	var keys []string
	for typ := range found {
		for i := range typ.NumField() {
			keys = append(keys, typ.Name()+"."+typ.Field(i).Tag.Get("yaml"))
		}
	}
	for name := range words() {
		if !slices.Contains(keys, name) {
			t.Errorf("words.go has %s, which the grammar has not", name)
		}
	}
}

func TestDescriptions(t *testing.T) {
	root, err := Of()
	if err != nil {
		t.Fatal(err)
	}
	limits := root["$defs"].(object)["Limits"].(object)
	want := object{"type": "string", "description": "from a head's first byte to its last, and for a TLS handshake; default 5s"}
	got := limits["properties"].(object)["header_timeout"].(object)
	delete(got, "pattern")
	if diff := cmp.Diff(want, got); diff != "" || limits["description"] != "Limits bound what a caller may cost." {
		t.Errorf("%v (-want +got):\n%s", limits["description"], diff)
	}
}

// TestTypeWithoutRule: the error says what to do.
func TestTypeWithoutRule(t *testing.T) {
	g := &generator{unions: unions(), defs: object{}}
	for _, typ := range []reflect.Type{reflect.TypeFor[map[string]int](), reflect.TypeFor[struct{ A int }]()} {
		if _, err := g.of(typ, field{}); err == nil || !strings.Contains(err.Error(), "register it in provisioning/schema/unions.go") {
			t.Errorf("%s: error %v", typ, err)
		}
	}
}
