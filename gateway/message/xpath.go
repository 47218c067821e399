package message

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/antchfx/xpath"

	"postern/gateway/crash"
)

// XPath compiles an expression of XPath 1.0, with the namespaces that its prefixes
// stand for; a name without a prefix is in none. It finds the texts of nodes, or
// what the expression itself says: a text, a number, true or false.
func XPath(text string, namespaces map[string]string) (*Expression, error) {
	paths, err := newXPaths(text, namespaces)
	if err != nil {
		return nil, err
	}
	return &Expression{kind: "xpath", text: describeXPath(text, paths.namespaces), find: func(m *Message, visit func(string) bool) error {
		root, err := m.xml()
		if err != nil {
			return err
		}
		return paths.visit(root, func(at *navigator, own string) bool {
			if at != nil {
				own = at.Value()
			}
			return visit(own)
		})
	}}, nil
}

// xpaths is one expression. It keeps its place in what it looks at, so each copy
// is used by one exchange at a time.
type xpaths struct {
	namespaces map[string]string
	weight     int
	pool       sync.Pool
}

func newXPaths(text string, namespaces map[string]string) (*xpaths, error) {
	if len(text) > maxExpression {
		return nil, errExpression
	}
	if !fixedPatterns(unquoted(text), "matches", "replace") {
		return nil, errPattern
	}
	known := maps.Clone(namespaces)
	if known == nil {
		known = map[string]string{} // then a prefix without a namespace is an error
	}
	first, err := compileXPath(text, known)
	if err != nil {
		return nil, err
	}
	weight, err := weight(text, `'"`, "matches", "replace")
	if err != nil {
		return nil, err
	}
	paths := &xpaths{namespaces: known, weight: weight}
	paths.pool.New = func() any {
		fresh, err := compileXPath(text, known)
		if err != nil {
			return err
		}
		return fresh
	}
	paths.pool.Put(first)
	return paths, nil
}

// visit calls visit with the nodes that the expression finds below root, or with
// what it says of its own, when there is no node.
func (p *xpaths) visit(root *node, visit func(at *navigator, own string) bool) error {
	expression, ok := p.pool.Get().(*xpath.Expr)
	if !ok {
		return errXPath
	}
	defer p.pool.Put(expression)
	return evaluate(expression, newNavigator(root, p.weight), visit)
}

var errXPath = errors.New("no XPath")

// compileXPath makes an error of what the engine panics about.
func compileXPath(text string, namespaces map[string]string) (compiled *xpath.Expr, err error) {
	defer func() {
		if p := recover(); p != nil {
			compiled, err = nil, fmt.Errorf("%w: %s", errXPath, crash.Text(p))
		}
	}()
	if compiled, err = xpath.CompileWithNS(text, namespaces); err != nil {
		return nil, fmt.Errorf("%w: %w", errXPath, err)
	}
	return compiled, nil
}

// describeXPath tells expressions apart that differ in their namespaces only.
func describeXPath(text string, namespaces map[string]string) string {
	for _, prefix := range slices.Sorted(maps.Keys(namespaces)) {
		text += " " + prefix + "=" + strconv.Quote(namespaces[prefix])
	}
	return text
}

// evaluate visits what an expression finds. The engine panics where functions are
// given what they do not take, which depends on the document too.
func evaluate(expression *xpath.Expr, n *navigator, visit func(at *navigator, own string) bool) (err error) {
	visiting := false
	defer func() {
		if visiting {
			return // what the visitor panics about is its own
		}
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: expression does not fit: %s", ErrMalformed, crash.Text(p))
		}
	}()
	look := visit
	visit = func(at *navigator, own string) bool {
		visiting = true
		more := look(at, own)
		visiting = false
		return more
	}
	switch found := expression.Evaluate(n).(type) {
	case *xpath.NodeIterator:
		seen := map[place]bool{} // the engine finds some nodes again
		for found.MoveNext() && n.spend(1) {
			at := found.Current().(*navigator)
			if seen[at.place] {
				continue
			}
			if seen[at.place] = true; !visit(at, "") {
				break
			}
		}
	case string:
		visit(nil, found)
	case bool:
		visit(nil, strconv.FormatBool(found))
	case float64:
		visit(nil, strconv.FormatFloat(found, 'f', -1, 64))
	}
	if *n.left < 0 {
		return fmt.Errorf("%w: more than %d steps", ErrTooMuch, maxMoves)
	}
	return nil
}
