package gateway

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mayImport says which of our packages a package may import, by folder. What
// ends with /* is any folder below. Who is not listed may import nothing.
var mayImport = map[string][]string{
	".":                        {"*"},
	"examples":                 {"*"},
	"examples/*":               {"*"},
	"examples/benchmark/*":     {},
	"gateway":                  {"gateway/*", "introspect", "provisioning/config"},
	"gateway/assembly":         {"gateway", "gateway/admin", "provisioning", "provisioning/config"},
	"gateway/exchange":         {"gateway/wire", "gateway/trace", "gateway/problem"},
	"gateway/claim":            {"provisioning/config"},
	"gateway/sticky":           {"gateway/claim", "gateway/exchange"},
	"gateway/crash":            {},
	"gateway/application":      {"gateway/claim", "gateway/message", "provisioning/config"},
	"gateway/quota":            {"provisioning/config"},
	"gateway/message":          {"gateway/claim", "gateway/crash", "gateway/exchange", "gateway/problem", "gateway/quote", "gateway/wire", "provisioning/config"},
	"gateway/event":            {"gateway/quote"},
	"gateway/destination":      {"gateway/event", "gateway/metrics", "gateway/crash", "provisioning/config", "provisioning/fetch"},
	"gateway/hostname":         {"gateway/crash", "gateway/metrics", "provisioning/config"},
	"gateway/password":         {"gateway/metrics", "provisioning/config"},
	"gateway/hostname/dnstest": {},
	"gateway/store":            {"gateway/quota", "gateway/metrics", "gateway/crash", "provisioning/config", "provisioning/fetch"},
	"gateway/store/*":          {},
	"gateway/quote":            {},
	"gateway/metrics":          {},
	"gateway/trace":            {},
	"gateway/wire":             {},
	"gateway/schema":           {"provisioning/config"},
	"gateway/definition":       {"gateway/schema", "gateway/message", "provisioning/config"},
	"gateway/problem":          {"gateway/quote"},
	"gateway/system":           {},
	"gateway/router":           {"provisioning/config"},
	"gateway/admin":            {"gateway/metrics", "gateway/crash", "provisioning/config", "provisioning/shown"},
	"gateway/upstream":         {"gateway/sticky", "gateway/exchange", "gateway/message", "gateway/wire", "gateway/problem", "gateway/metrics", "gateway/crash", "provisioning/config", "provisioning/fetch"},
	"gateway/variable":         {"gateway/exchange", "gateway/message", "gateway/problem", "gateway/claim", "gateway/quote", "provisioning/config"},
	"gateway/policy/*":         {"gateway/exchange", "gateway/sticky", "gateway/event", "gateway/destination", "gateway/quote", "gateway/definition", "gateway/hostname", "gateway/message", "gateway/schema", "gateway/wire", "gateway/problem", "gateway/metrics", "gateway/claim", "gateway/application", "gateway/quota", "gateway/store", "gateway/variable", "provisioning/config"},
	"introspect/jwk":           {"provisioning/config"},
	"introspect":               {"introspect/jwk", "provisioning/config", "provisioning/fetch", "provisioning/keystore"},
	"provisioning":             {"provisioning/*"},
	"provisioning/commandline": {"provisioning/config"},
	"provisioning/config":      {},
	"provisioning/keystore":    {},
	"provisioning/fetch":       {"provisioning/config"},
	"provisioning/settings":    {"provisioning/config", "provisioning/fetch", "provisioning/keystore"},
	"provisioning/shown":       {"provisioning/config"},
}

// commands are what main lists, each beside the work it does; nobody else may
// import them.
var commands = map[string][]string{
	"gateway/explain":       {"gateway", "gateway/exchange", "gateway/problem", "provisioning", "provisioning/config"},
	"gateway/health":        {"provisioning", "provisioning/config"},
	"gateway/password/hash": {},
	"gateway/version":       {},
	"introspect/keys":       {"introspect/jwk"},
	"introspect/token":      {"introspect", "introspect/jwk", "provisioning", "provisioning/config", "provisioning/keystore"},
	"provisioning/schema":   {"provisioning/config"},
	"provisioning/check":    {"gateway", "provisioning", "provisioning/config"},
	"provisioning/archive":  {},
	"provisioning/diff":     {"provisioning", "provisioning/config", "provisioning/shown"},
}

// mayAlso are the exceptions of single packages.
var mayAlso = map[string][]string{
	"gateway/policy/identify":  {"introspect", "gateway/password"},
	"gateway/policy/transform": {"gateway/quote", "gateway/router"},
	"gateway/policy/monitor":   {"gateway/crash"},
}

// source is one Go file of ours.
type source struct {
	name   string // from the module's root
	folder string
	lines  int
	test   bool
	file   *ast.File
	set    *token.FileSet
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."), entry.IsDir() && entry.Name() == "testdata":
			return fs.SkipDir
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		s := source{name: name, folder: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
		s.lines = strings.Count(string(text), "\n")
		s.file, err = parser.ParseFile(s.set, name, text, parser.ParseComments)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// allowed looks folder up in a list that may end its items with *.
func allowed(list []string, folder string) bool {
	return slices.ContainsFunc(list, func(item string) bool {
		prefix, below := strings.CutSuffix(item, "*")
		return item == folder || below && strings.HasPrefix(folder, prefix)
	})
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		rules, known := mayImport[s.folder]
		if !known {
			rules, known = commands[s.folder]
		}
		if !known {
			rules, known = mayImport[path.Dir(s.folder)+"/*"]
		}
		if !known {
			t.Errorf("%s: the house does not know the folder %s", s.name, s.folder)
		}
		rules = append(slices.Clone(rules), mayAlso[s.folder]...)
		for _, i := range s.file.Imports {
			ours, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), "postern/")
			_, isCommand := commands[ours]
			if ok && (!allowed(rules, ours) || isCommand && s.folder != ".") {
				t.Errorf("%s: %s may not import %s", s.set.Position(i.Pos()), s.folder, ours)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		most := 400
		if s.name == "main.go" {
			most = 200
		}
		if s.lines > most {
			t.Errorf("%s: %d lines, at most %d", s.name, s.lines, most)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > 60 {
				t.Errorf("%s: %s has %d lines, at most 60", s.set.Position(f.Pos()), f.Name.Name, n)
			}
			if n := f.Type.Params.NumFields(); n > 4 {
				t.Errorf("%s: %s has %d parameters, at most 4", s.set.Position(f.Pos()), f.Name.Name, n)
			}
		}
	}
}

func TestComments(t *testing.T) {
	described := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		described[s.folder] = described[s.folder] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			for _, name := range undescribed(d) {
				t.Errorf("%s: %s has no comment", s.set.Position(name.Pos()), name.Name)
			}
		}
	}
	for folder, ok := range described {
		if !ok {
			t.Errorf("%s: no file describes the package", folder)
		}
	}
}

// undescribed lists the exported names of a declaration that lack a comment.
func undescribed(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && !ofUnexported(d) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, s.Names[0])
				}
			}
		}
	}
	return names
}

// ofUnexported reports whether a function is a method that only its own package,
// or an interface, can see.
func ofUnexported(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return false
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && !name.IsExported()
}

// goFile is the name of a Go file in a comment.
var goFile = regexp.MustCompile(`\b[a-z]+\.go\b`)

// TestMaps keeps the maps of files in doc.go true: what they name exists, here,
// one folder below or at the root, and one that lists files line by line leaves
// none of its own folder out.
func TestMaps(t *testing.T) {
	files := map[string][]string{} // but tests and those for one system; by folder, and by what it is in with a slash
	all := sources(t)
	for _, s := range all {
		if base := path.Base(s.name); !strings.Contains(base, "_") {
			files[s.folder] = append(files[s.folder], base)
			in := path.Dir(s.folder) + "/"
			files[in] = append(files[in], base)
		}
	}
	for _, s := range all {
		if path.Base(s.name) != "doc.go" {
			continue
		}
		text := s.file.Doc.Text()
		named := goFile.FindAllString(text, -1)
		for _, name := range named {
			if !slices.Contains(slices.Concat(files[s.folder], files[s.folder+"/"], files["."]), name) {
				t.Errorf("%s names %s, which is not there", s.name, name)
			}
		}
		for _, name := range files[s.folder] {
			if strings.Contains(text, "\n\t") && name != "doc.go" && !slices.Contains(named, name) {
				t.Errorf("%s does not name %s", s.name, name)
			}
		}
	}
}

func TestNoInitAndNoSleep(t *testing.T) {
	for _, s := range sources(t) {
		// In a bubble of synctest time does not pass, so sleeping costs nothing.
		bubble := slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: init", s.set.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && s.test && !bubble && x.Name == "time" && n.Sel.Name == "Sleep" {
					t.Errorf("%s: a test that sleeps; poll a condition instead", s.set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestPolicyFolders(t *testing.T) {
	folders, err := filepath.Glob("policy/*")
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	for _, folder := range folders {
		name := filepath.Base(folder)
		for _, file := range []string{name + ".go", name + "_test.go"} {
			if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
				t.Error(err)
			}
		}
		text, err := os.ReadFile(filepath.Join(folder, "README.md"))
		if err != nil {
			t.Error(err)
			continue
		}
		var chapters []string
		for line := range strings.Lines(string(text)) {
			if chapter, ok := strings.CutPrefix(line, "## "); ok {
				chapters = append(chapters, strings.TrimSpace(chapter))
			}
		}
		if want := []string{"Name", "Configuration", "Example", "Problems", "Metrics"}; !slices.Equal(chapters, want) {
			t.Errorf("%s: README.md has the chapters %q, want %q", folder, chapters, want)
		}
	}
}
