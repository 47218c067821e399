package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"postern/provisioning/config"
)

// maxFaults bounds a list that nobody reads to its end.
const maxFaults = 10000

// decoder fills in a config.Config from a Tree, collecting every fault.
type decoder struct {
	tree   *Tree
	files  *Files
	shapes shapes
	at     path
	faults []Fault
	broken map[string]bool // paths that already have a fault
	partly map[string]bool // what holds them
	budget int
}

// Decoded is what a Tree says, as far as it could be read.
type Decoded struct {
	Config *config.Config
	Faults []Fault
	broken map[string]bool
	partly map[string]bool
}

// Decode reads the whole tree, and the files it names.
func (t *Tree) Decode(f *Files) Decoded {
	cfg := new(config.Config)
	included := t.include("users", f)
	d := &decoder{tree: t, files: f, faults: included, shapes: shapes{}, broken: map[string]bool{}, partly: map[string]bool{}, budget: minValues + maxCopies*t.nodes}
	d.value(t.root, reflect.ValueOf(cfg).Elem(), field{})
	return Decoded{cfg, d.faults, d.broken, d.partly}
}

// Covers reports whether a fault was already found at path, above it or right
// below it, so that another one would only repeat it, or miss what is there.
func (d Decoded) Covers(steps []any) bool {
	if len(d.broken) == 0 {
		return false
	}
	for i := range len(steps) + 1 {
		if d.broken[pathText(steps[:i])] {
			return true
		}
	}
	return d.partly[pathText(steps)]
}

// fault reports something wrong with n, which is or belongs to the value at d.at.
func (d *decoder) fault(n *Node, format string, args ...any) {
	d.broken[pathText(d.at)] = true
	if len(d.at) > 0 {
		d.partly[pathText(d.at[:len(d.at)-1])] = true
	}
	if len(d.faults) >= maxFaults {
		return
	}
	text := d.tree.text(d.at)
	if n.src.variable != "" {
		text = n.src.variable
	}
	d.faults = append(d.faults, Fault{n.Place(), text, fmt.Sprintf(format, args...)})
}

// faulty reports whether the value at d.at has a fault.
func (d *decoder) faulty() bool { return len(d.broken) > 0 && d.broken[pathText(d.at)] }

// below runs f one step further down.
func (d *decoder) below(step any, f func()) {
	d.at = append(d.at, step)
	f()
	d.at = d.at[:len(d.at)-1]
}

// value decodes n into v.
func (d *decoder) value(n *Node, v reflect.Value, f field) {
	if d.budget--; d.budget < 0 {
		if d.budget == -1 {
			d.fault(n, "too many values: aliases repeat too much")
			d.broken[""] = true // the rest was not looked at
		}
		return
	}
	switch {
	case n.Kind == Broken:
		d.broken[pathText(d.at)] = true
	case n.Null:
		d.fault(n, "has no value")
	case v.Kind() == reflect.Pointer:
		made := reflect.New(v.Type().Elem())
		if d.pointed(n, made, f); made.Elem().Kind() == reflect.Struct || !d.faulty() {
			v.Set(made)
		}
	case d.union(n, v.Addr().Interface(), f):
	default:
		d.plain(n, v, f)
	}
}

// pointed decodes what a pointer points to. A pointer to text may hold "".
func (d *decoder) pointed(n *Node, made reflect.Value, f field) {
	if text, ok := made.Interface().(*string); ok && n.Kind == Scalar {
		*text = n.Text
		return
	}
	d.value(n, made.Elem(), f)
}

// plain decodes what needs no hook of its own.
func (d *decoder) plain(n *Node, v reflect.Value, f field) {
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v)
	case reflect.Slice:
		d.list(n, v, f)
	case reflect.String:
		if text, ok := d.scalar(n); ok {
			v.SetString(text)
		}
	case reflect.Bool:
		if text, ok := d.scalar(n); ok {
			d.boolean(n, v, text)
		}
	case reflect.Int:
		if text, ok := d.scalar(n); ok {
			d.integer(n, v, text, f)
		}
	default:
		panic("settings: no rule for " + v.Type().String())
	}
}

// scalar returns the text of n, which must not be empty.
func (d *decoder) scalar(n *Node) (text string, ok bool) {
	switch {
	case n.Kind != Scalar:
		d.fault(n, "must be text, is %s", n.Kind)
	case n.Text == "":
		d.fault(n, "is empty")
	default:
		return n.Text, true
	}
	return "", false
}

func (d *decoder) boolean(n *Node, v reflect.Value, text string) {
	if text != "true" && text != "false" {
		d.fault(n, "%q is not true or false", text)
		return
	}
	v.SetBool(text == "true")
}

func (d *decoder) integer(n *Node, v reflect.Value, text string, f field) {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		d.fault(n, "%q is not a number", text)
		return
	}
	least := int64(1)
	if f.mayBeZero {
		least = 0
	}
	if number < least {
		d.fault(n, "must be at least %d", least)
		return
	}
	v.SetInt(number)
}

func (d *decoder) list(n *Node, v reflect.Value, f field) {
	if n.Kind != List {
		d.fault(n, "must be a list, [a, b] or lines that begin with -, is %s", n.Kind)
		return
	}
	if len(n.Items) == 0 && !f.mayBeVoid {
		d.fault(n, "is an empty list: leave the key out, or say what it holds")
		return
	}
	made := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	for i, item := range n.Items {
		d.below(i, func() { d.value(item, made.Index(i), field{}) })
	}
	v.Set(made)
}

func (d *decoder) mapping(n *Node, v reflect.Value) {
	if n.Kind != Mapping {
		d.fault(n, "must be a mapping, {key: value} or lines of key: value, is %s", n.Kind)
		return
	}
	known := d.shapes.of(v.Type())
	for i, key := range n.Keys {
		d.below(key.Text, func() {
			if f, ok := known.fields[key.Text]; ok {
				d.value(n.Items[i], v.Field(f.index), f)
				return
			}
			d.unknown(key, v.Type(), known)
		})
	}
}

// mostListed is how many known keys can still be read at a glance.
const mostListed = 8

// unknown reports a key that the mapping does not have, or does not have yet.
// What was probably meant counts as reported too: it is not missing.
func (d *decoder) unknown(key *Node, t reflect.Type, known *shape) {
	if slices.Contains(later[t], key.Text) {
		d.fault(key, "%q is not supported yet", key.Text)
		return
	}
	if strings.Contains(key.Text, "$") || len(key.Text) > 2 && key.Text[1] == '=' {
		// It may be the end of a password's hash, such as t=3 or p=4$…, whose commas
		// nobody quoted.
		at := d.at
		d.at = d.at[:len(d.at)-1]
		d.fault(key, "this is no key: a text that holds a comma is quoted here")
		d.at = at
		return
	}
	candidates := append(slices.Clip(known.names), later[t]...)
	hint := config.DidYouMean(key.Text, candidates)
	if hint == "" && len(known.names) <= mostListed {
		hint = "; known here: " + strings.Join(known.names, ", ")
	}
	d.fault(key, "unknown field %q%s", key.Text, hint)
	if near := config.Nearest(key.Text, candidates); near != "" {
		d.broken[pathText(append(slices.Clip(d.at[:len(d.at)-1]), near))] = true
	}
}
