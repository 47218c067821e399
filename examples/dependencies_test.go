package examples_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .+ \\| .*MB \\|$")

// TestReadmeDependencies compares the README's list of dependencies with what
// the code imports.
func TestReadmeDependencies(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var told, used []string
	for _, row := range dependencyRow.FindAllStringSubmatch(string(text), -1) {
		told = append(told, row[1])
	}
	for path := range imports(t) {
		host, _, _ := strings.Cut(path, "/")
		if !strings.Contains(host, ".") {
			continue // ours, or the standard library's
		}
		module := slices.IndexFunc(told, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
		if module < 0 {
			t.Errorf("README.md does not tell of %s", path)
			continue
		}
		used = append(used, told[module])
	}
	slices.Sort(told)
	slices.Sort(used)
	if diff := cmp.Diff(slices.Compact(used), told); diff != "" {
		t.Errorf("dependencies (-imported +README.md):\n%s", diff)
	}
}

// imports are the paths that the code imports, without its tests and the packages
// for them, whose names end with test.
func imports(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imported := range file.Imports {
			name, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				return err
			}
			all[name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
