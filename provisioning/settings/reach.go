package settings

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// setting is what a variable can give: a scalar, a list of scalars, or, if it is
// open, whatever has a name below it.
type setting struct {
	keys []string
	list bool
	open bool
}

// reach is every setting that is reached without an index, by its path in small
// letters, joined with underscores.
type reach map[string]setting

func (r reach) add(keys []string, s setting) {
	s.keys = keys
	r[strings.ToLower(strings.Join(keys, "_"))] = s
}

// names are those to propose.
func (r reach) names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r)), func(name string) bool { return r[name].open })
}

// find looks for the longest path that name may mean.
func (r reach) find(name string) (setting, bool) {
	if s, ok := r[name]; ok && !s.open {
		return s, true
	}
	for end := strings.LastIndexByte(name, '_'); end > 0; end = strings.LastIndexByte(name[:end], '_') {
		if s, ok := r[name[:end]]; ok && s.open {
			s.keys = append(slices.Clip(s.keys), name[end+1:])
			return s, true
		}
	}
	return setting{}, false
}

// knownSettings are ours and webMethods'.
func knownSettings() reach {
	known := vendorSettings()
	collect(shapes{}, reflect.TypeFor[config.Config](), nil, known)
	return known
}

// collect finds every setting of t, which stands at keys.
func collect(s shapes, t reflect.Type, keys []string, into reach) {
	sh := s.of(t)
	for _, key := range sh.names {
		field := t.Field(sh.fields[key].index).Type
		at := append(slices.Clip(keys), key)
		for field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		switch {
		case isScalar(field):
			into.add(at, setting{})
		case field.Kind() == reflect.Slice && isScalar(field.Elem()):
			into.add(at, setting{list: true})
		case field.Kind() == reflect.Struct:
			collect(s, field, at, into)
		}
	}
}

// isScalar reports whether values of t are written as text.
func isScalar(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[config.Secret](), reflect.TypeFor[config.File](), reflect.TypeFor[config.Prefix](), reflect.TypeFor[config.Installation]():
		return true
	}
	return t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}
