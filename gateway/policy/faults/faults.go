// Package faults words what callers are told of failures: of the gateway's own,
// and of those that an upstream answers with. That an answer is one to a failure
// is decided elsewhere.
package faults

import (
	"bytes"
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/variable"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// Faults is one section at work. It is immutable.
type Faults struct {
	replace  bool
	bodies   *message.Bodies
	rules    []rule
	fallback *answer // to what no rule fits; nil: the problem itself
	// Tell writes to x.HTTP.Response what the caller is told of a problem; it is
	// an exchange's Tell. The upstream's answer, if there is one, must not have
	// been released.
	Tell func(x *exchange.Exchange, p *problem.Problem)
}

// Site is what a gateway has for it.
type Site struct {
	Bodies *message.Bodies
	// Secrets are fields and parameters that no answer shows, in any case.
	Secrets []string
}

// New builds one. The error is config.Faults with paths relative to cfg.
func New(cfg *config.FaultPolicy, site Site) (*Faults, error) {
	b := builder{secrets: site.Secrets}
	f := &Faults{replace: cfg.Native == "replace", bodies: site.Bodies}
	for i := range cfg.Rules {
		f.rules = append(f.rules, b.rule(&cfg.Rules[i], "rules", i))
	}
	switch {
	case cfg.Default != nil:
		f.fallback = b.answer(cfg.Default, "default")
	case cfg.Format == "webmethods":
		f.fallback = &answer{forms: []form{b.form(vendorAnswer, "format")}}
	}
	f.Tell = f.tell
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	return f, nil
}

// Policy makes f word the failures that happen inside of it, and error answers of
// the upstream failures if it is to replace them.
func (f *Faults) Policy(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		x.Tell = f.Tell
		err := next(x)
		if err == nil && f.replace && x.Answer.Status >= 400 {
			return replaced(x)
		}
		return err
	}
}

// errReplaced is why an exchange has ended though the upstream has answered.
var errReplaced = errors.New("upstream answered with an error")

func replaced(x *exchange.Exchange) error {
	p := problem.UpstreamFault.Because(errReplaced)
	p.Status = x.Answer.Status
	return p
}

// mostOfValues bounds what values add to an answer, in bytes before they are
// escaped.
const mostOfValues = 64 << 10

func (f *Faults) tell(x *exchange.Exchange, p *problem.Problem) {
	response := &x.HTTP.Response
	p.Write(response, x.ID)
	if p.Is(problem.UpstreamFault) {
		keep(response, &x.Answer.Head)
	}
	a := f.find(x, p)
	if a == nil {
		return
	}
	if a.status != 0 {
		response.SetStatusCode(a.status)
	}
	m := a.choose(x)
	response.Header.SetContentType(m.contentType)
	if !m.ours {
		response.Header.Set("X-Content-Type-Options", "nosniff") // values of strangers may look like anything
	}
	v := variable.Values{X: x, Problem: p, Message: wording(p), Now: time.Now(), Bodies: f.bodies, Most: mostOfValues}
	piece := wire.Piece()
	*piece = m.text.Append(*piece, &v)
	response.SetBody(*piece)
	wire.PutPiece(piece)
}

// find is the answer to p; nil: the problem itself.
func (f *Faults) find(x *exchange.Exchange, p *problem.Problem) *answer {
	for i := range f.rules {
		if r := &f.rules[i]; r.fits(x, p) && r.finds(f.bodies, x) {
			return f.rules[i].answer
		}
	}
	return f.fallback
}

// kept are the fields of an answer that mean as much without its body, and whom
// its caller's browser lets read it.
var kept = []string{
	fasthttp.HeaderRetryAfter, fasthttp.HeaderAllow, fasthttp.HeaderVary,
	fasthttp.HeaderAccessControlAllowOrigin, fasthttp.HeaderAccessControlAllowCredentials, fasthttp.HeaderAccessControlExposeHeaders,
}

var challenge = []byte(fasthttp.HeaderWWWAuthenticate)

// keep copies what is kept of an answer that is replaced. Whom the upstream asks
// for credentials, it asks in its own words.
func keep(response *fasthttp.Response, head *wire.Head) {
	for _, name := range kept {
		if value := head.Get(name); value != nil {
			response.Header.SetBytesV(name, value)
		}
	}
	response.Header.Del(fasthttp.HeaderWWWAuthenticate)
	head.Visit(func(name, value []byte) {
		if bytes.EqualFold(name, challenge) {
			response.Header.AddBytesKV(challenge, value)
		}
	})
}
