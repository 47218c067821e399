package mask

import (
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// Log is what some levels together hide of bodies that are stored. It is safe for
// concurrent use.
type Log struct{ request, response, fault hiding }

// hiding appends what is stored of a body; ok is false where that cannot be known.
type hiding func(dst []byte, c *message.Copy) (text []byte, ok bool)

// NewLog compiles what levels say of logs. Sections that are at fault are left
// out: New has told of them.
func NewLog(levels []*config.Mask, bodies *message.Bodies, m *metrics.Instruments) *Log {
	compile := func(of func(*config.Mask) []config.MaskRule) hiding {
		var list []config.MaskRule
		for _, cfg := range levels {
			if cfg.Of("log") {
				list = append(list, of(cfg)...)
			}
		}
		if len(list) == 0 {
			return nil
		}
		r, err := compile(list, m.Masked("log"))
		if err != nil {
			return nil
		}
		return func(dst []byte, c *message.Copy) ([]byte, bool) { return r.store(dst, c, bodies) }
	}
	return &Log{
		request:  compile(func(m *config.Mask) []config.MaskRule { return m.Request }),
		response: compile(func(m *config.Mask) []config.MaskRule { return m.Response }),
		fault:    compile(func(m *config.Mask) []config.MaskRule { return m.Fault }),
	}
}

// Of is what hides parts of the bodies of answers of a status, or of requests, with
// 0; nil: nothing is hidden.
func (l *Log) Of(status int) func(dst []byte, c *message.Copy) (text []byte, ok bool) {
	switch {
	case status == 0:
		return l.request
	case status >= 400:
		return l.fault
	}
	return l.response
}

func (r *rules) store(dst []byte, c *message.Copy, bodies *message.Bodies) ([]byte, bool) {
	m, ok := c.Message(bodies)
	if !ok {
		return dst, false
	}
	defer m.Release()
	text, _, err := r.mask(m)
	if err != nil {
		return dst, false
	}
	return append(dst, text...), true
}
