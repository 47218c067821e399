package gateway

import (
	"errors"
	"fmt"

	"postern/gateway/definition"
)

// definition compiles what an API says of itself, or keeps what was compiled while
// the documents are the same.
func (b *builder) definition(index int, a *api) {
	cfg := b.config.APIs[index].Definition
	if cfg == nil || !b.config.Validates(index) {
		return
	}
	for _, g := range []*generation{b.next, b.previous} {
		if g != nil && g.definitions[cfg.Digest] != nil {
			a.definition = g.definitions[cfg.Digest]
		}
	}
	if a.definition == nil {
		made, err := definition.New(cfg)
		if err != nil {
			b.failed(err, "apis", index, "definition")
			return
		}
		a.definition = made
	}
	b.next.definitions[cfg.Digest] = a.definition
	b.undefined(index, a.definition)
}

// undefined reports resources for which an API's definition has no operation, so
// that no request to them could pass.
func (b *builder) undefined(index int, d *definition.Definition) {
	cfg := &b.config.APIs[index]
	v := cfg.Policies.Validate
	if v == nil || !v.NeedsDefinition() || v.Undefined == "pass" {
		return
	}
	for i, r := range cfg.Resources {
		if !d.Knows("", r.Path) {
			b.failed(errors.New("the definition has no path that fits"), "apis", index, "resources", i, "path")
			continue
		}
		for j, method := range r.Methods {
			if method != "OPTIONS" && !d.Knows(method, r.Path) {
				b.failed(fmt.Errorf("the definition has no %s here", method), "apis", index, "resources", i, "methods", j)
			}
		}
	}
}
