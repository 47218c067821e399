// Package shown turns a configuration into what JSON can hold, under the keys of
// its files, without what must stay secret.
package shown

import (
	"encoding"
	"net/url"
	"reflect"
	"strings"
	"time"

	"postern/provisioning/config"
)

// Settings is the configuration with its defaults, under the keys of its files:
// maps, lists, texts, numbers and truth values. What is secret shows as ***, a
// file as its path; bytes are never shown.
func Settings(cfg *config.Config) any { return Part(cfg, Hidden{}) }

// Hidden says how what is not shown itself is shown; nil is *** for a secret and
// the path for a file.
type Hidden struct {
	Secret func(config.Secret) any
	File   func(config.File) any
}

// Part is Settings of a configuration or a part of one.
func Part[T any](part *T, hidden Hidden) any {
	s := shower{hidden}
	if s.Secret == nil {
		s.Secret = func(config.Secret) any { return "***" }
	}
	if s.File == nil {
		s.File = path
	}
	return s.value(reflect.ValueOf(part))
}

// path is how settings show a file.
func path(f config.File) any { return showText(f.Path) }

type shower struct{ Hidden }

// value turns a value into what JSON can hold; nil leaves it out.
func (s shower) value(v reflect.Value) any {
	if shown, ok := s.own(v); ok {
		return shown
	}
	switch v.Kind() {
	case reflect.Pointer:
		return s.value(v.Elem())
	case reflect.Struct:
		return s.fields(v)
	case reflect.Slice:
		return s.list(v)
	case reflect.String:
		return showText(v.String())
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int()
	}
	return nil
}

// own shows the types that stand for something else than their fields.
func (s shower) own(v reflect.Value) (any, bool) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, true
	}
	switch own := v.Interface().(type) {
	case config.Secret:
		if own.IsZero() {
			return nil, true
		}
		return s.Secret(own), true
	case config.File:
		return s.File(own), true
	case config.Duration, config.Size, config.Ratio:
		return showLimit(own), true
	case config.Issuer:
		if own.Unchecked {
			return "unchecked", true
		}
		return showText(own.Value), true
	case config.Access:
		if own == config.AccessErrors {
			return "errors", true
		}
		return own == config.AccessAll, true
	case *config.Audience:
		return showAudience(own), true
	case []config.ClaimHeader:
		return showClaimHeaders(own), true
	case []config.Alias:
		return showAliases(own), true
	case config.ClaimSet:
		return showClaimSet(own), true
	case []config.Namespace:
		return showNamespaces(own), true
	case []config.Setting:
		return s.settings(own), len(own) > 0
	case config.ThrottleFor:
		return showThrottleFor(own), true
	case config.MonitorFor:
		return showMonitorFor(own), true
	case *config.Adaptive:
		return true, own.Word != ""
	case *config.Outbound:
		return own.Word, own.Word != ""
	case config.Origin:
		return showOrigin(own), true
	case config.Balance:
		return showBalance(own), true
	case encoding.TextMarshaler:
		text, err := own.MarshalText()
		return string(text), err == nil
	}
	return nil, false
}

// showLimit shows a limit that can be the word "none".
func showLimit(limit any) any {
	switch own := limit.(type) {
	case config.Duration:
		if own != config.None {
			return time.Duration(own).String()
		}
	case config.Size:
		if own != config.NoSize {
			return int64(own)
		}
	case config.Ratio:
		if own != config.NoRatio {
			return float64(own)
		}
	}
	return "none"
}

func showBalance(b config.Balance) any {
	if b.Method != config.ByHash {
		return showText(b.Method)
	}
	return map[string]any{"hash": map[string]any{"by": b.By}}
}

func showThrottleFor(f config.ThrottleFor) any {
	if f.Word != "" {
		return f.Word
	}
	return f.Names
}

func showMonitorFor(f config.MonitorFor) any {
	if f.Each {
		return "each"
	}
	if len(f.Names) == 0 {
		return nil
	}
	return f.Names
}

func showOrigin(o config.Origin) any {
	if o.Pattern != "" {
		return map[string]any{"pattern": o.Pattern}
	}
	return o.Text
}

func showAudience(a *config.Audience) any {
	if a.Unchecked {
		return "unchecked"
	}
	return map[string]any{"any": a.Any, "required": !a.Optional}
}

func showClaimHeaders(headers []config.ClaimHeader) any {
	if len(headers) == 0 {
		return nil
	}
	shown := map[string]string{}
	for _, h := range headers {
		shown[h.Header] = h.Claim
	}
	return shown
}

// showAliases shows that they are there: a text may be a secret.
func showAliases(aliases []config.Alias) any {
	if len(aliases) == 0 {
		return nil
	}
	shown := map[string]any{}
	for i := range aliases {
		shown[aliases[i].Name] = map[string]string{"type": aliases[i].Type}
	}
	return shown
}

func showNamespaces(namespaces []config.Namespace) any {
	if len(namespaces) == 0 {
		return nil
	}
	shown := map[string]string{}
	for _, n := range namespaces {
		shown[n.Prefix] = n.URI
	}
	return shown
}

// settings keeps their order, which counts.
func (s shower) settings(settings []config.Setting) any {
	shown := make([]map[string]any, len(settings))
	for i, one := range settings {
		if shown[i] = map[string]any{one.Name: one.Text}; !one.Secret.IsZero() {
			shown[i][one.Name] = s.Secret(one.Secret)
		}
	}
	return shown
}

// showClaimSet shows a claim with several values as a list.
func showClaimSet(set config.ClaimSet) any {
	shown := map[string]any{}
	for _, c := range set {
		switch before := shown[c.Claim].(type) {
		case nil:
			shown[c.Claim] = c.Value
		case string:
			shown[c.Claim] = []string{before, c.Value}
		case []string:
			shown[c.Claim] = append(before, c.Value)
		}
	}
	return shown
}

// fields shows the fields that have a key in files, or the word "none" that
// stands instead of them.
func (s shower) fields(v reflect.Value) any {
	if none := v.FieldByName("None"); none.IsValid() && none.Bool() {
		return "none"
	}
	fields := map[string]any{}
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		if shown := s.value(v.Field(i)); shown != nil {
			fields[key] = shown
		}
	}
	return fields
}

func (s shower) list(v reflect.Value) any {
	if v.Len() == 0 || v.Type().Elem().Kind() == reflect.Uint8 {
		return nil
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = s.value(v.Index(i))
	}
	return list
}

// showText leaves out what was not said.
func showText(text string) any {
	if text == "" {
		return nil
	}
	return Address(text)
}

// Address hides what may be secret of an address: its password and its query.
// Other texts stay as they are.
func Address(text string) string {
	if !strings.Contains(text, "://") || !strings.ContainsAny(text, "@?") {
		return text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "***"
	case u.Scheme == "":
		return text // no address
	case u.RawQuery != "":
		u.RawQuery = "***"
	}
	return u.Redacted()
}
