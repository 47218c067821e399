package identify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/gateway/exchange"
	"postern/introspect"
)

// Reasons of sender-constrained tokens.
var (
	errCertificate = errors.New("token is bound to another certificate than the caller has shown")
	errUnbound     = errors.New("token is not bound to its holder as this API asks for")
)

// proofField carries a DPoP proof.
const proofField = "DPoP"

// possession asks holders of bound tokens for what their token is bound to. What
// a token says of that always counts, whether or not the API asks for it.
type possession struct {
	proofs *introspect.Proofs
	want   []string // of dpop and mtls, one is needed; empty: none is
}

func (p *possession) check(ctx context.Context, x *exchange.Exchange, token *introspect.Token, found *presented) error {
	bound := token.Bound
	if bound == (introspect.Binding{}) && len(p.want) == 0 && !found.proved {
		return nil
	}
	fits := bound.Key != "" && slices.Contains(p.want, "dpop") || bound.Certificate != "" && slices.Contains(p.want, "mtls")
	if len(p.want) > 0 && !fits {
		return errUnbound
	}
	if bound.Certificate != "" && bound.Certificate != x.Certificate {
		return errCertificate
	}
	if bound.Key != "" || found.proved {
		return p.prove(ctx, x, token, found)
	}
	return nil
}

// prove judges the proof that comes with a token.
func (p *possession) prove(ctx context.Context, x *exchange.Exchange, token *introspect.Token, found *presented) error {
	switch {
	case !found.proved:
		return fmt.Errorf("%w: the token is bound to a key, and not sent with the scheme DPoP", introspect.ErrProof)
	case token.Bound.Key == "":
		return fmt.Errorf("%w: the token is bound to no key", introspect.ErrProof)
	case x.Proved == found.raw:
		return nil // at another level; a proof is good once
	}
	var proof string
	shown := 0
	x.Head.Visit(func(name, value []byte) {
		if bytes.EqualFold(name, []byte(proofField)) {
			proof = string(value)
			shown++
		}
	})
	if shown != 1 {
		return fmt.Errorf("%w: %d DPoP fields", introspect.ErrProof, shown)
	}
	uri, err := introspect.NormalURI(addressOf(x))
	if err != nil {
		return fmt.Errorf("%w: %w", introspect.ErrProof, err)
	}
	err = p.proofs.Check(ctx, introspect.Possession{
		Proof: proof, Token: found.raw, Method: string(x.HTTP.Method()), URI: uri, Key: token.Bound.Key,
		Holder: token.Issuer + "\x00" + token.Subject,
	}, time.Now())
	if err != nil {
		return err
	}
	x.Proved = found.raw
	return nil
}

// addressOf is how the caller wrote the address of its request. A trusted proxy
// may say that it was asked otherwise; where several say so, one of them may be
// the caller itself.
func addressOf(x *exchange.Exchange) string {
	scheme, host := "http", string(x.HTTP.Request.Header.Host())
	if x.Secure {
		scheme = "https"
	}
	if x.Trusted {
		if said := only(x, "X-Forwarded-Proto"); strings.EqualFold(said, "https") || strings.EqualFold(said, "http") {
			scheme = said
		}
		if said := only(x, "X-Forwarded-Host"); said != "" {
			host = said
		}
	}
	return scheme + "://" + host + string(x.Path)
}

// only is the value of a field that stands once and is no list; "": there is none.
func only(x *exchange.Exchange, name string) (only string) {
	lines := 0
	x.Head.Visit(func(line, value []byte) {
		if strings.EqualFold(string(line), name) {
			lines++
			only = string(value)
		}
	})
	if lines != 1 || strings.Contains(only, ",") {
		return ""
	}
	return only
}
