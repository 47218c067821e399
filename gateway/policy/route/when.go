package route

import (
	"slices"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// when describes requests; the zero when is all of them.
type when struct{ all, any, none []condition }

// condition reports whether it fits a request. The error is a *problem.Problem.
type condition func(x *exchange.Exchange) (bool, error)

func (w *when) holds(x *exchange.Exchange) (bool, error) {
	for _, fits := range w.all {
		if ok, err := fits(x); err != nil || !ok {
			return false, err
		}
	}
	for _, fits := range w.none {
		if ok, err := fits(x); err != nil || ok {
			return false, err
		}
	}
	for _, fits := range w.any {
		if ok, err := fits(x); err != nil || ok {
			return ok, err
		}
	}
	return len(w.any) == 0, nil
}

func (b *builder) when(cfg *config.RouteWhen) (w when) {
	if cfg == nil {
		return w
	}
	for _, list := range []struct {
		key string
		of  []config.RouteCondition
		to  *[]condition
	}{{"all", cfg.All, &w.all}, {"any", cfg.Any, &w.any}, {"none", cfg.Not, &w.none}} {
		for i := range list.of {
			*list.to = append(*list.to, b.condition(&list.of[i], list.key, i))
		}
	}
	return w
}

// condition compiles one, which stands there below the rule's when.
func (b *builder) condition(c *config.RouteCondition, key string, index int) condition {
	compiled, err := b.compile(c)
	if err != nil {
		b.failed(err, "when", key, index)
	}
	return compiled
}

func (b *builder) compile(c *config.RouteCondition) (condition, error) {
	switch {
	case c.Application != nil:
		return plain(func(x *exchange.Exchange) bool { return isApplication(c.Application, x.Caller.Application) }), nil
	case c.User != nil:
		return plain(func(x *exchange.Exchange) bool { return isUser(c.User, &x.Caller) }), nil
	case c.Claim != nil:
		return ofClaim(c.Claim)
	case c.Method != nil:
		return plain(func(x *exchange.Exchange) bool { return isMethod(x.HTTP.Method(), c.Method) }), nil
	case c.Address != nil:
		return plain(func(x *exchange.Exchange) bool { return isWithin(c.Address, x) }), nil
	case c.Header != nil:
		return header(c.Header)
	case c.Query != nil:
		return query(c.Query)
	case c.Date != nil:
		return date(c.Date)
	case c.Time != nil:
		return clock(c.Time)
	case c.Payload != nil:
		return b.payload(c.Payload)
	}
	return b.share(c.Share), nil
}

// plain is a condition that nothing goes wrong with.
func plain(fits func(x *exchange.Exchange) bool) condition {
	return func(x *exchange.Exchange) (bool, error) { return fits(x), nil }
}

func isApplication(names []string, a exchange.Application) bool {
	return a.Name != "" && slices.Contains(names, a.Name) || a.ID != "" && slices.Contains(names, a.ID)
}

// isUser knows the gateway's own users by their names, and others by the subject
// of their token. A subject is never taken for a user that there is.
func isUser(names []string, c *exchange.Caller) bool {
	name := c.User
	if name == "" {
		name = c.Subject
	}
	return name != "" && slices.Contains(names, name)
}

// ofClaim looks at the verified token.
func ofClaim(c *config.ClaimRule) (condition, error) {
	r, err := claim.NewRule(c)
	if err != nil {
		return nil, config.Below(err, "claim", "pattern")
	}
	return plain(func(x *exchange.Exchange) bool { return r.Holds(x.Caller.Claims) }), nil
}

// isMethod reports whether the caller's method is one of these; HEAD goes with GET.
func isMethod(method []byte, of []string) bool {
	return isOne(method, of) || string(method) == "HEAD" && slices.Contains(of, "GET")
}

func isOne(text []byte, of []string) bool {
	for _, one := range of {
		if string(text) == one {
			return true
		}
	}
	return false
}

func isWithin(ranges []config.AddressRange, x *exchange.Exchange) bool {
	address := x.Address.Unmap().WithZone("")
	for i := range ranges {
		if ranges[i].Contains(address) {
			return true
		}
	}
	return false
}
