package settings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/provisioning/settings"
)

// Any bytes become faults or a configuration that can be validated, and never a
// panic. What takes too long or too much shows as the fuzzer's own failure.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("../testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, bomb := range bombs() {
		f.Add([]byte(bomb))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		decodeAll(data)
	})
}

// decodeAll does to data what a load does, without looking at files.
func decodeAll(data []byte) (faults int) {
	src := &settings.Source{Name: "fuzz.yaml", Dir: "/nonexistent"}
	docs, found := settings.Parse(src, data)
	faults += len(found)
	tree, found := settings.NewTree(docs, src)
	faults += len(found)
	files := settings.NewFiles([]string{"POSTERN_PORTS_HTTP=1"})
	faults += len(tree.Overlay(files, "/nonexistent"))
	translated, _ := tree.Translate()
	faults += len(translated)
	decoded := tree.Decode(files)
	faults += len(decoded.Faults)
	decoded.Config.SetDefaults()
	for _, fault := range decoded.Config.Validate() {
		if !decoded.Covers(fault.Path) {
			tree.Locate(fault.Path)
			faults++
		}
	}
	return faults
}

// bombs are few bytes that mean many values.
func bombs() map[string]string {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x]\n")
	for i := '1'; i <= '9'; i++ {
		prev := "*a" + string(i-1)
		laughs.WriteString("a" + string(i) + ": &a" + string(i) + " [" + strings.Repeat(prev+", ", 20) + prev + "]\n")
	}
	wide := strings.Repeat("*r, ", 3000) + "*r"
	return map[string]string{
		"billion laughs": laughs.String() + "apis: *a9\n",
		"wide aliases": "apis:\n- name: a\n  resources: &r\n" + strings.Repeat("  - {path: /a}\n", 3000) +
			strings.Repeat("- {name: a, resources: *r}\n", 3000),
		"wide merges": "apis:\n- &r {" + strings.Repeat("k: 1, ", 1) + "name: a}\n- {<<: [" + wide + "]}\n",
		"wide names":  "aliases: {a: {value: " + strings.Repeat("x", 1_000_000) + "}}\napis:\n" + strings.Repeat("- {name: '${a}'}\n", 1000),
		"deep":        strings.Repeat("[", 5000),
		"many keys":   manyKeys(10_001),
		"deep blocks": strings.Repeat("- ", 5000) + "x\n",
	}
}

func manyKeys(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	return text.String()
}

// Expanded, any of these would outlast the test's own limit.
func TestBombsAreRefused(t *testing.T) {
	for name, bomb := range bombs() {
		t.Run(name, func(t *testing.T) {
			if decodeAll([]byte(bomb)) == 0 {
				t.Error("loaded without a fault")
			}
		})
	}
}
