package identify

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// forwarded is what of a caller's credentials the upstream sees nevertheless.
type forwarded struct {
	token   bool
	schemes [][]byte // of Authorization; nil in it: any
	bare    bool     // an Authorization of other schemes is taken off
}

// newForwarded is what a word of config.Outbound means at these levels.
func newForwarded(word string, levels []*config.Identify) *forwarded {
	f := &forwarded{token: word == config.ForwardToken}
	switch word {
	case config.ForwardBasic:
		f.schemes = [][]byte{[]byte("Basic")}
	case config.ForwardToken:
		for _, cfg := range levels {
			if cfg.Tokens() {
				f.add(tokenSource(cfg))
			}
		}
	default:
		return nil
	}
	return f
}

func (f *forwarded) add(s source) {
	f.bare = f.bare || s.authorization
	if !bytes.EqualFold(s.header, authorizationField) {
		return
	}
	if f.schemes = append(f.schemes, s.scheme); bytes.EqualFold(s.scheme, bearerScheme) {
		f.schemes = append(f.schemes, proofScheme)
	}
}

// find is the Authorization that is forwarded; nil: none is.
func (f *forwarded) find(x *exchange.Exchange) []byte {
	value := x.Head.Get(fasthttp.HeaderAuthorization)
	scheme, _, _ := bytes.Cut(value, space)
	for _, s := range f.schemes {
		if s == nil || bytes.EqualFold(scheme, s) {
			return value
		}
	}
	return nil
}

// settle puts back what has been taken off with the rest.
func (f *forwarded) settle(x *exchange.Exchange, value []byte) {
	there := x.Head.Get(fasthttp.HeaderAuthorization) != nil
	switch {
	case value == nil && there && f.bare:
		x.Head.Del(fasthttp.HeaderAuthorization)
	case value != nil && !there:
		x.Head.AddBytes(fasthttp.HeaderAuthorization, value)
	}
}
