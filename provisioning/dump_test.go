package provisioning_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"postern/provisioning/config"
)

// dumpBeyondDefaults writes what a configuration holds and the default one does
// not, a line each.
func dumpBeyondDefaults(cfg *config.Config) string {
	defaults := dump(config.Default())
	lines := slices.DeleteFunc(dump(cfg), func(line string) bool { return slices.Contains(defaults, line) })
	return strings.Join(lines, "\n") + "\n"
}

func dump(cfg *config.Config) []string {
	var lines []string
	dumpValue(reflect.ValueOf(cfg), "", &lines)
	return lines
}

func dumpValue(v reflect.Value, path string, lines *[]string) {
	if text, ok := leaf(v); ok {
		*lines = append(*lines, path+" = "+text)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			dumpValue(v.Elem(), path, lines)
		}
	case reflect.Slice:
		for i := range v.Len() {
			dumpValue(v.Index(i), fmt.Sprintf("%s[%d]", path, i), lines)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("yaml")
			if name == "" {
				name = v.Type().Field(i).Name
			}
			dumpValue(v.Field(i), strings.TrimPrefix(path+"."+name, "."), lines)
		}
	default:
		if !v.IsZero() {
			*lines = append(*lines, fmt.Sprintf("%s = %v", path, v))
		}
	}
}

// leaf writes the types that are one value.
func leaf(v reflect.Value) (text string, ok bool) {
	switch value := v.Interface().(type) {
	case config.Duration:
		if value == config.None {
			return "none", true
		}
		return time.Duration(value).String(), true
	case config.Size:
		if value == config.NoSize {
			return "none", true
		}
		return fmt.Sprintf("%d bytes", value), true
	case config.Ratio:
		if value == config.NoRatio {
			return "none", true
		}
		return fmt.Sprint(float64(value)), true
	case config.APIKey:
		return fmt.Sprintf("%x", value.Digest()), true
	case config.AddressRange:
		return fmt.Sprintf("%s-%s", value.First, value.Last), true
	case config.Secret:
		return fmt.Sprintf("%v, set: %t", value, !value.IsZero()), true
	case config.File:
		return fmt.Sprintf("%s, read: %t", filepath.Base(value.Path), len(value.Data) > 0), !value.IsZero()
	case config.Installation:
		return filepath.Base(value.Path), value.Path != ""
	case config.Folder:
		return filepath.Base(string(value)), value != ""
	case config.Prefix:
		return value.String(), true
	case *bool:
		if value != nil {
			return fmt.Sprint(*value), true
		}
	case *string:
		if value != nil {
			return fmt.Sprintf("%q", *value), true
		}
	}
	return "", false
}
