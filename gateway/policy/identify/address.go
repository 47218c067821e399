package identify

import (
	"context"

	"postern/gateway/application"
	"postern/gateway/exchange"
)

// address identifies by where a request comes from, which proves nothing.
type address struct{ callers callers }

func newAddress(s *site) way { return &address{s.callers} }

func (*address) challenge() string { return "" }

func (a *address) identify(_ context.Context, x *exchange.Exchange) (finding, error) {
	ip := x.Address.Unmap().WithZone("")
	list, err := a.callers.among(func(known *application.Index) []*application.Application { return known.ByAddress(ip) })
	return finding{found: err == nil, applications: list, why: err}, nil
}
