package identify

import (
	"context"
	"errors"
	"time"

	"postern/gateway/application"
	"postern/gateway/exchange"
)

// clientCertificate identifies by the certificate that the caller has shown over
// TLS, here or to a trusted proxy. That it has been verified, and is the caller's,
// is known before.
type clientCertificate struct{ callers callers }

func newClientCertificate(s *site) way { return &clientCertificate{s.callers} }

func (*clientCertificate) challenge() string { return "" }

var errNotValid = errors.New("the certificate is not valid at this time")

func (c *clientCertificate) identify(_ context.Context, x *exchange.Exchange) (finding, error) {
	if x.Certificate == "" {
		return finding{}, nil
	}
	valid := true
	list, err := c.callers.among(func(known *application.Index) []*application.Application {
		found, now := known.ByCertificate(x.Certificate, time.Now())
		valid = valid && (now || len(found) == 0)
		return found
	})
	switch {
	case !valid:
		return finding{}, errNotValid
	case err != nil && c.callers.want == "none" && !errors.Is(err, application.ErrSuspended):
		return finding{found: true}, nil // whoever verified it has found it good
	}
	if errors.Is(err, errUnknown) || errors.Is(err, errNotRegistered) {
		return finding{nobodys: err}, nil // a mesh has every caller show one
	}
	return finding{found: err == nil, applications: list}, err
}
