package settings

import (
	"reflect"
	"strings"

	"postern/provisioning/config"
)

// shape is what a mapping may hold, read from a struct's tags.
type shape struct {
	fields map[string]field
	names  []string // the keys, for proposals
}

type field struct {
	index     int
	none      bool // the word "none" is allowed
	mayBeVoid bool // a list may be empty
	mayBeZero bool // a number may be 0
}

// shapes are the shapes met so far, by type.
type shapes map[reflect.Type]*shape

func (s shapes) of(t reflect.Type) *shape {
	if known := s[t]; known != nil {
		return known
	}
	made := &shape{fields: map[string]field{}}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		allow := f.Tag.Get("allow")
		made.fields[key] = field{i, strings.Contains(allow, "none"), strings.Contains(allow, "empty"), strings.Contains(allow, "zero")}
		made.names = append(made.names, key)
	}
	s[t] = made
	return made
}

// later are the keys of the grammar that this gateway does not act on yet. They
// are told from mistakes, and never ignored.
var later = map[reflect.Type][]string{
	reflect.TypeFor[config.Config](): {
		"archive", "downloads", "applications_sync", "token_service",
	},
	reflect.TypeFor[config.Bundle]():      {"from", "poll", "verify", "allow_files"},
	reflect.TypeFor[config.API]():         {"id"},
	reflect.TypeFor[config.Outbound]():    config.LaterOutbound(),
	reflect.TypeFor[config.Application](): {"client"},
	reflect.TypeFor[config.Strategy]():    {"jwks_uri", "truststore"},
	reflect.TypeFor[config.APIGateway]():  {"url", "user", "password", "download_settings"},
}
