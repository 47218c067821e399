package route

import (
	"errors"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// payload looks into the body. One that cannot be read in the way that is asked
// for holds nothing; one that may not be held ends the request.
func (b *builder) payload(cfg *config.PayloadRule) (condition, error) {
	r, err := message.NewRule(cfg)
	if err != nil {
		return nil, config.Below(err, "payload")
	}
	return func(x *exchange.Exchange) (bool, error) {
		m, err := b.site.Bodies.Request(x)
		if err != nil {
			return false, err
		}
		fits, err := r.Fits(m)
		var told *problem.Problem
		if errors.As(err, &told) {
			return false, told
		}
		return fits && err == nil, nil
	}, nil
}
