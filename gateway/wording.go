package gateway

import (
	"fmt"

	"postern/gateway/policy/faults"
	"postern/provisioning/config"
)

// worded is how failures are told to callers who meet these levels, and where
// that stands: the nearest level says it, or the configuration for all; nil:
// nothing does, or what does is at fault.
func (b *builder) worded(levels []config.Level) (*faults.Faults, []any) {
	cfg, path := b.config.Faults, []any{"faults"}
	for _, l := range levels {
		if l.Policies.Faults != nil {
			cfg, path = l.Policies.Faults, l.At("faults")
		}
	}
	if cfg == nil {
		return nil, nil
	}
	place := fmt.Sprint(path)
	if f, known := b.wordings[place]; known {
		return f, path
	}
	f, err := faults.New(cfg, faults.Site{Bodies: b.next.bodies, Secrets: credentials(b.config)})
	if err != nil {
		b.failed(err, path...)
	}
	b.wordings[place] = f
	return f, path
}

// tell is the same for what happens before a chain.
func (b *builder) tell(levels []config.Level) teller {
	if f, _ := b.worded(levels); f != nil {
		return f.Tell
	}
	return nil
}

// credentials are the fields and parameters in which callers may put theirs.
func credentials(cfg *config.Config) (names []string) {
	for place := range cfg.TokenSources() {
		names = append(names, place.Header, place.Query)
	}
	return names
}
