package identify

import (
	"slices"
	"strings"

	"postern/gateway/problem"
	"postern/provisioning/config"
)

// challenges are the refusals of tokens with what callers must know to do better (RFC 6750 3, RFC 9449 7.1, RFC 9728 5.1).
type challenges struct {
	invalid, several, proof *problem.Problem
	first, dpop             string
}

func newChallenges(api *config.API, cfg *config.Identify) challenges {
	bearer, dpop := problem.Challenge, `DPoP realm="postern", algs="`+strings.Join(config.ProofAlgorithms(), " ")+`"`
	if p := api.ProtectedResource; p != nil {
		where := `, resource_metadata="` + p.MetadataURL() + `"`
		bearer, dpop = bearer+where, dpop+where
	}
	first := bearer
	switch want := cfg.SenderConstrained; {
	case slices.Equal(want, []string{"dpop"}):
		first = dpop
	case slices.Contains(want, "dpop"):
		first = bearer + ", " + dpop
	}
	c := challenges{
		first:   first,
		invalid: challenging(problem.InvalidToken, bearer+`, error="invalid_token"`),
		several: challenging(problem.BadRequest, bearer+`, error="invalid_request"`),
		proof:   challenging(problem.InvalidToken, dpop+`, error="invalid_dpop_proof"`),
		dpop:    dpop,
	}
	// RFC 6750 2 and 3.1 on more than one token.
	c.several.Detail = "more than one token is presented (RFC 6750 2)"
	return c
}

// joined is a list of challenges (RFC 9110 11.6.1).
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func challenging(p *problem.Problem, challenge string) *problem.Problem {
	p = p.Because(nil)
	p.Challenge = challenge
	return p
}

// nonce asks for a proof with this nonce (RFC 9449 9).
func (c *challenges) nonce(nonce string) *problem.Problem {
	p := challenging(problem.InvalidToken, c.dpop+`, error="use_dpop_nonce"`)
	p.Nonce = nonce
	return p
}
