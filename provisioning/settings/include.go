package settings

import (
	"fmt"
	"path/filepath"
)

// include puts the list that a file holds where {file: PATH} names it. It is
// for lists that another hand keeps than that of the settings.
func (t *Tree) include(key string, files *Files) []Fault {
	n := t.root.get(key)
	if n == nil || n.Kind != Mapping || len(n.Keys) != 1 || n.Keys[0].Text != "file" || n.Items[0].Kind != Scalar || n.Items[0].Text == "" {
		return nil // what else it is, the decoder says
	}
	named := n.Items[0]
	src := &Source{Name: named.Text, Dir: filepath.Dir(named.Text)}
	if !filepath.IsAbs(src.Name) {
		src.Dir = filepath.Join(n.src.Dir, src.Dir)
	}
	list, faults := t.readList(src, named, files, path{key})
	t.root.set(&Node{Text: key, src: n.src, line: n.line, col: n.col}, list)
	t.nodes += src.nodes
	return faults
}

// readList is the one list in a file. It is Broken after a fault that leaves
// none.
func (t *Tree) readList(src *Source, named *Node, files *Files, at path) (*Node, []Fault) {
	broken := &Node{Kind: Broken, src: named.src, line: named.line, col: named.col}
	data, err := files.ReadYAML(filepath.Join(src.Dir, filepath.Base(src.Name)))
	if err != nil {
		return broken, []Fault{{named.Place(), pathText(at), fmt.Sprintf("read %q: %v", src.Name, err)}}
	}
	nodes, faults := parse(src, data, at)
	if len(nodes) == 1 && nodes[0].Kind == List {
		return nodes[0], faults
	}
	if len(faults) == 0 {
		faults = []Fault{{Place{File: src.Name}, pathText(at), "must hold one list"}}
	}
	return broken, faults
}
