package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// Bounds of an API's definition.
const (
	maxDocument  = 8 << 20
	maxDocuments = 64
)

// definition is {file: PATH, resources: true}. The file is read now, and those beside it that it
// refers to.
func (d *decoder) definition(n *Node, v *config.Definition) {
	var form struct {
		File      string `yaml:"file"`
		Resources bool   `yaml:"resources"`
	}
	before := len(d.faults)
	d.mapping(n, reflect.ValueOf(&form).Elem())
	if len(d.faults) > before || form.File == "" {
		return
	}
	file := n.Items[n.find("file")]
	v.Resources = form.Resources
	v.File.Path = absolute(file, form.File)
	v.Documents = map[string]any{}
	d.below("file", func() { d.documents(file, form.File, v) })
}

// documents reads a definition. What a file refers to need not be one of its
// references; one that is not there is reported by who needs it.
func (d *decoder) documents(n *Node, shown string, v *config.Definition) {
	folder, first := filepath.Split(v.File.Path)
	waiting := []string{first}
	digest := sha256.New()
	for len(waiting) > 0 {
		name := waiting[0]
		waiting = waiting[1:]
		if _, known := v.Documents[name]; known {
			continue
		}
		text, err := d.files.Read(filepath.Join(folder, filepath.FromSlash(name)), maxDocument)
		if err != nil && name != first {
			continue
		}
		if len(v.Documents) == maxDocuments {
			d.fault(n, "%q refers to more than %d files", shown, maxDocuments)
			return
		}
		var root any
		if err == nil {
			root, err = document(text)
		}
		if err != nil {
			d.fault(n, "read %q: %v", filepath.Join(filepath.Dir(shown), name), err)
			return
		}
		v.Documents[name] = root
		fmt.Fprintf(digest, "%q %d\n", name, len(text))
		digest.Write(text)
		waiting = append(waiting, references(name, root)...)
	}
	v.Digest = hex.EncodeToString(digest.Sum(nil))
}

// references are the other files that a document refers to, sorted.
func references(name string, root any) []string {
	found := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, member := range v {
				walk(member)
			}
			ref, _ := v["$ref"].(string)
			file, _, _ := strings.Cut(ref, "#")
			if file == "" {
				return
			}
			if beside, err := config.Beside(name, file); err == nil {
				found[beside] = true
			}
		}
	}
	walk(root)
	return slices.Sorted(maps.Keys(found))
}
