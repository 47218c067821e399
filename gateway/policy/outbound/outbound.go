// Package outbound gives an upstream the credentials by which it knows the
// gateway, or none. What the caller has presented has been taken off before,
// unless it is forwarded: that is up to policy/identify.
package outbound

import (
	"encoding/base64"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// New builds the policy; it is nil where what the caller has presented goes
// upstream.
func New(cfg *config.Outbound) exchange.Policy {
	switch {
	case cfg.Basic != nil:
		pair := cfg.Basic.User + ":" + cfg.Basic.Password.Reveal()
		return field(fasthttp.HeaderAuthorization, "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case cfg.APIKey != nil && cfg.APIKey.Header != "":
		return field(cfg.APIKey.Header, cfg.APIKey.Value.Reveal())
	case cfg.APIKey != nil:
		return parameter(exchange.NewParameter(cfg.APIKey.Query, cfg.APIKey.Value.Reveal()))
	case cfg.Word == config.OutboundNone:
		return anonymous
	}
	return nil
}

// field sets a field in place of the caller's own.
func field(name, value string) exchange.Policy {
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			x.Head.Set(name, value)
			return next(x)
		}
	}
}

// parameter sets one in place of the caller's own.
func parameter(p exchange.Parameter) exchange.Policy {
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			x.SetParameter(&p)
			return next(x)
		}
	}
}

func anonymous(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		x.Head.Del(fasthttp.HeaderAuthorization)
		return next(x)
	}
}
