package identify

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unsafe"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/introspect"
	"postern/provisioning/config"
)

// Reasons of this policy's own; the others are introspect's and application's.
var (
	errAudience      = errors.New("token is for another audience")
	errSubject       = errors.New("token's subject is not one of this API")
	errAuthServer    = errors.New("token's auth server is not one of this API")
	errNotRegistered = errors.New("the application is not registered for this API")
)

// judge says whether a token that is good in itself is good for an API.
type judge struct {
	servers map[string]*server
	users   map[string]*config.User
	apiURI  bool // the address of the API is a good audience
	ownID   bool // the id of the application is one
}

// server is what is asked of an auth server's tokens.
type server struct {
	audience *config.Audience
	subject  *regexp.Regexp // nil: any
	user     bool           // the subject must be a user
}

func newJudge(cfg *config.Identify, believed Believed) judge {
	also := cfg.AudienceAlso
	j := judge{
		servers: map[string]*server{}, users: believed.Users,
		apiURI: slices.Contains(also, "api_uri"), ownID: slices.Contains(also, "application_id"),
	}
	for name, of := range believed.Servers {
		s := &server{audience: of.Audience}
		if s.audience == nil { // Validate has refused it
			s.audience = &config.Audience{}
		}
		if of.Subject != nil {
			s.subject, s.user = subjects(of.Subject), of.Subject.User
		}
		j.servers[name] = s
	}
	return j
}

// subjects is the expression that good subjects match; nil when all are good.
func subjects(cfg *config.Subject) *regexp.Regexp {
	alternatives := make([]string, len(cfg.Any))
	for i, one := range cfg.Any {
		alternatives[i] = strings.ReplaceAll(regexp.QuoteMeta(one), `\*`, `(?s:.*)`)
	}
	pattern := cfg.Pattern
	if pattern == "" {
		pattern = strings.Join(alternatives, "|")
	}
	if pattern == "" {
		return nil
	}
	return regexp.MustCompile(`\A(?:` + pattern + `)\z`) // Validate has compiled it
}

// subject returns the user that the token's subject is, where it must be one.
func (j *judge) subject(token *introspect.Token) (*config.User, error) {
	if token.Application != "" {
		return nil, nil // no auth server vouches for it
	}
	s := j.servers[token.AuthServer]
	switch {
	case s == nil:
		return nil, errAuthServer
	case s.subject != nil && !s.subject.MatchString(token.Subject):
		return nil, errSubject
	case !s.user:
		return nil, nil
	}
	user := j.users[token.Subject]
	if user == nil {
		return nil, fmt.Errorf("%w: it is no user", errSubject)
	}
	return user, nil
}

// audience reports whether one of the token's audiences is meant here: one of
// its auth server's, of the application's strategy, or of those that the API
// takes besides. An application of other APIs only makes none good; where its
// strategies ask for one, they still do.
func (j *judge) audience(x *exchange.Exchange, token *introspect.Token, app *application.Application, elsewhere bool) error {
	audience := &config.Audience{Unchecked: true}
	if token.Application == "" {
		audience = j.servers[token.AuthServer].audience
	}
	good, asks := false, false
	if app != nil {
		good, asks = app.Audience(token.AuthServer, token.Audience)
	}
	admitted := audience.Admits(token.Audience)
	if audience.Unchecked && asks {
		admitted = good
	}
	if admitted || good && !elsewhere {
		return nil
	}
	ownID := j.ownID && app != nil && !elsewhere
	for _, got := range token.Audience {
		if ownID && got == app.ID || j.apiURI && isAddressOf(got, x) {
			return nil
		}
	}
	return errAudience
}

// isAddressOf reports whether uri is the address at which the request reached
// its API, or its own. Only where TLS was used up to here, or ends in front of
// us, is it https; both are taken for it.
func isAddressOf(uri string, x *exchange.Exchange) bool {
	rest, secure := strings.CutPrefix(uri, "https://")
	if !secure {
		var plain bool
		if rest, plain = strings.CutPrefix(uri, "http://"); !plain || x.Secure {
			return false
		}
	}
	path := ""
	if start := strings.IndexByte(rest, '/'); start >= 0 {
		rest, path = rest[:start], rest[start:]
	}
	field := x.HTTP.Request.Header.Host()
	host := unsafe.String(unsafe.SliceData(field), len(field))
	if portAt(rest) < 0 && portAt(host) >= 0 {
		host = host[:portAt(host)]
	}
	prefix := x.Path[:len(x.Path)-len(x.Rest)]
	return rest != "" && strings.EqualFold(rest, host) && (samePath(path, x.Path) || samePath(path, prefix))
}

// portAt is where the port of a host begins, with its colon; -1: there is none.
func portAt(host string) int {
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		return colon
	}
	return -1
}

// samePath compares but for a slash at the end.
func samePath(a string, b []byte) bool {
	return strings.TrimSuffix(a, "/") == string(bytes.TrimSuffix(b, slash))
}

var slash = []byte("/")
