package config

import (
	"slices"
	"strings"
)

// Outbound says by which credentials an upstream knows the gateway. Exactly one
// of Word, Basic and APIKey is set.
type Outbound struct {
	Word   string         // OutboundNone, ForwardToken or ForwardBasic
	Basic  *OutboundBasic `yaml:"basic"`
	APIKey *OutboundKey   `yaml:"api_key"`
}

// Words for the credentials that an upstream is sent.
const (
	OutboundNone = "none"          // none
	ForwardToken = "forward_token" // the caller's token, where it stood
	ForwardBasic = "forward_basic" // the caller's user and password
)

// OutboundWords are the words there are.
func OutboundWords() []string { return []string{OutboundNone, ForwardToken, ForwardBasic} }

// OutboundBasic is a user of the upstream.
type OutboundBasic struct {
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
}

// OutboundKey is a key that the upstream knows, in exactly one of two places.
type OutboundKey struct {
	Header string `yaml:"header"`
	Query  string `yaml:"query"` // name of a parameter
	Value  Secret `yaml:"value"`
}

// LaterOutbound are the kinds that the grammar has and this gateway has not.
func LaterOutbound() []string {
	return []string{"sign", "client_credentials", "jwt_bearer", "token_exchange", "login"}
}

func (v *checker) outbound(path []any, o *Outbound) {
	switch {
	case o == nil || o.Word != "":
	case o.Basic != nil && o.APIKey != nil:
		v.clash(at(path, "api_key"), at(path, "basic"), "state one of basic and api_key")
	case o.Basic != nil:
		v.outboundBasic(at(path, "basic"), o.Basic)
	case o.APIKey != nil:
		v.outboundKey(at(path, "api_key"), o.APIKey)
	default:
		v.add(path, "state basic or api_key, or one of the words %s", list(OutboundWords()))
	}
}

func (v *checker) outboundBasic(path []any, b *OutboundBasic) {
	if b.User == "" {
		v.add(at(path, "user"), "missing")
	}
	if !validUser(b.User) {
		v.add(at(path, "user"), "%q holds a colon or a control character, which basic authentication cannot carry", b.User)
	}
	if b.Password.IsZero() {
		v.add(at(path, "password"), "missing")
	}
	if !isPrintable(b.Password.Reveal()) {
		v.add(at(path, "password"), "holds a control character, which basic authentication cannot carry")
	}
}

func (v *checker) outboundKey(path []any, k *OutboundKey) {
	switch name := strings.ReplaceAll(strings.ToLower(k.Header), "_", "-"); {
	case k.Header != "" && k.Query != "":
		v.clash(at(path, "query"), at(path, "header"), "state one of header and query")
	case k.Header == "" && k.Query == "":
		v.add(path, "state the header or the query parameter that holds it")
	case k.Header != "" && !isToken(k.Header):
		v.add(at(path, "header"), "%q is not a header name", k.Header)
	case name != "authorization" && (slices.Contains(ownHeaders, name) || strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-forwarded-")):
		v.add(at(path, "header"), "%s is not for keys", k.Header)
	}
	switch value := k.Value.Reveal(); {
	case value == "":
		v.add(at(path, "value"), "missing")
	case k.Header != "" && (!isPrintable(value) || strings.Trim(value, " \t") != value):
		v.add(at(path, "value"), "holds a control character, or white space at an end, which a header cannot carry")
	}
}
