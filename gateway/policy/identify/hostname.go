package identify

import (
	"context"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/hostname"
)

// host identifies by the names that the DNS has for where a request comes from,
// which proves nothing. A DNS that fails identifies nobody.
type host struct {
	callers callers
	names   *hostname.Resolver
}

func newHost(s *site) way { return &host{s.callers, s.names} }

func (*host) challenge() string { return "" }

func (h *host) identify(ctx context.Context, x *exchange.Exchange) (finding, error) {
	names, err := h.names.Lookup(ctx, x.Address)
	if err != nil {
		return finding{why: err}, nil
	}
	list, err := h.callers.among(func(known *application.Index) []*application.Application { return known.ByHostname(names) })
	return finding{found: err == nil, applications: list, why: err}, nil
}
