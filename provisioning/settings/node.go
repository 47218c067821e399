package settings

// Kind tells what a Node is.
type Kind uint8

// What a Node can be.
const (
	Scalar Kind = iota
	Mapping
	List
	Broken // a fault has been reported; nothing more is said about it
)

// String names the kind in messages.
func (k Kind) String() string { return [...]string{"text", "a mapping", "a list", "broken"}[k] }

// Node is a value of a bundle with its place. Nodes are shared where YAML says
// *alias, so they are never changed once their file is merged.
type Node struct {
	Kind  Kind
	Null  bool    // a plain scalar without a value
	Text  string  // of a Scalar, as written
	tag   string  // of webMethods, such as authServerAlias
	Keys  []*Node // of a Mapping; Keys[i] names Items[i]
	Items []*Node // of a Mapping or List
	src   *Source
	line  int
	col   int
}

// Source is where Nodes come from.
type Source struct {
	Name     string   // as shown in faults
	Dir      string   // absolute; what relative paths in it are relative to
	variable string   // the variable or option that says it
	asks     []string // the variables that its {env: NAME} name
	nodes    int      // how many values it holds, aliases counted once
}

// Place is where n stands.
func (n *Node) Place() Place { return Place{n.src.Name, n.line, n.col} }

// get returns the value of key in a Mapping, or nil.
func (n *Node) get(key string) *Node {
	if i := n.find(key); i >= 0 {
		return n.Items[i]
	}
	return nil
}

func (n *Node) find(key string) int {
	for i, k := range n.Keys {
		if k.Text == key {
			return i
		}
	}
	return -1
}

// set gives key a value in a Mapping, replacing the one it has.
func (n *Node) set(key, value *Node) {
	if i := n.find(key.Text); i >= 0 {
		n.Keys[i], n.Items[i] = key, value
		return
	}
	n.Keys, n.Items = append(n.Keys, key), append(n.Items, value)
}
