package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)|src="([^"]+)"`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	testName = regexp.MustCompile("`(Test\\w+)`")
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// TestReadmeLinks: what a README points to within the project is there.
func TestReadmeLinks(t *testing.T) {
	for _, path := range readmes(t) {
		for _, found := range link.FindAllStringSubmatch(read(t, path), -1) {
			target := found[1] + found[2]
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			linked := filepath.Join(filepath.Dir(path), file)
			if file == "" {
				linked = path
			}
			if _, err := os.Stat(linked); err != nil {
				t.Errorf("%s links to %s: %v", path, target, err)
			} else if anchor != "" && !slices.Contains(anchors(t, linked), anchor) {
				t.Errorf("%s links to %s, which has no such chapter", path, target)
			}
		}
	}
}

// anchors are the names that a page's headings have in links.
func anchors(t *testing.T, path string) (all []string) {
	t.Helper()
	for _, found := range heading.FindAllStringSubmatch(read(t, path), -1) {
		name := noAnchor.ReplaceAllString(strings.ToLower(found[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// TestReadmeComparison: the README says of this gateway beside others only what
// tests show, and those it names are there.
func TestReadmeComparison(t *testing.T) {
	_, chapter, _ := strings.Cut(read(t, filepath.Join(root, "README.md")), "## Beside others\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	named := testName.FindAllStringSubmatch(chapter, -1)
	if len(named) == 0 {
		t.Fatal("README.md names no test in the chapter Beside others")
	}
	there := testFunctions(t)
	for _, name := range named {
		if !there[name[1]] {
			t.Errorf("README.md names %s, which is not there", name[1])
		}
	}
}

// testFunctions are the names of all tests of the project.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, found := range testFunc.FindAllStringSubmatch(read(t, path), -1) {
				all[found[1]] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
