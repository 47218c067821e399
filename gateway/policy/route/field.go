package route

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"

	"postern/gateway/exchange"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// header looks at the first field of a name, as it is forwarded.
func header(f *config.FieldRule) (condition, error) {
	fits, err := comparison(f)
	if err != nil {
		return nil, config.Below(err, "header", "pattern")
	}
	return plain(func(x *exchange.Exchange) bool {
		value := x.Head.Get(f.Name)
		return value != nil && fits(value)
	}), nil
}

// query looks at the first parameter of a name, its escapes undone.
func query(f *config.FieldRule) (condition, error) {
	fits, err := comparison(f)
	if err != nil {
		return nil, config.Below(err, "query", "pattern")
	}
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	return plain(func(x *exchange.Exchange) bool {
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		value, ok := variable.Parameter((*buffer)[:0], x.Query, f.Name)
		*buffer = value
		return ok && fits(value)
	}), nil
}

// comparison is the one that a rule states, if any.
func comparison(f *config.FieldRule) (func(value []byte) bool, error) {
	switch {
	case f.Equals != nil:
		return func(value []byte) bool { return string(value) == *f.Equals }, nil
	case f.EqualsIgnoreCase != nil:
		want := []byte(*f.EqualsIgnoreCase)
		return func(value []byte) bool { return bytes.EqualFold(value, want) }, nil
	case f.Contains != "":
		part := []byte(f.Contains)
		return func(value []byte) bool { return bytes.Contains(value, part) }, nil
	case f.OneOf != nil:
		return func(value []byte) bool { return isOne(value, f.OneOf) }, nil
	case f.Pattern != "":
		pattern, err := regexp.Compile(`\A(?:` + f.Pattern + `)\z`)
		if err != nil {
			return nil, fmt.Errorf("compile pattern %q: %w", f.Pattern, err)
		}
		return pattern.Match, nil
	}
	return func([]byte) bool { return true }, nil
}
