package identify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/password"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// Passwords are the users who can show a password.
type Passwords struct {
	Verifier *password.Verifier // nil: nobody does
	Users    *password.Users
	ByName   map[string]*config.User // all of Users
}

// basic identifies by the user and password of basic authentication (RFC 7617).
type basic struct {
	passwords Passwords
	callers   callers
}

func newBasic(s *site) way { return &basic{s.passwords, s.callers} }

// concealBasic takes the credentials off.
func concealBasic(*config.Identify) func(x *exchange.Exchange) {
	return func(x *exchange.Exchange) { x.Head.Del(fasthttp.HeaderAuthorization) }
}

func (*basic) challenge() string { return `Basic realm="postern", charset="UTF-8"` }

var (
	basicScheme  = []byte("Basic")
	errMalformed = errors.New("the credentials are malformed")
)

func (b *basic) identify(_ context.Context, x *exchange.Exchange) (finding, error) {
	value := x.HTTP.Request.Header.PeekBytes(authorizationField)
	if len(value) == 0 {
		return finding{}, nil
	}
	scheme, encoded, _ := bytes.Cut(value, space)
	if !bytes.EqualFold(scheme, basicScheme) {
		return finding{stray: true}, nil
	}
	var room [password.MaxShown + 3]byte
	user, shown, ok := credentials(&room, bytes.Trim(encoded, " "))
	if !ok {
		return finding{}, errMalformed
	}
	err := b.passwords.Verifier.Check(b.passwords.Users, password.Shown{User: user, Password: shown, Address: x.Address}, time.Now())
	if err != nil {
		return finding{}, b.refuse(x, err)
	}
	known := b.passwords.ByName[string(user)]
	list, err := b.callers.among(func(i *application.Index) []*application.Application { return i.ByUser(known.Name) })
	if err != nil && b.callers.want != "none" {
		return finding{}, err
	}
	return finding{found: true, user: known, applications: list}, nil
}

// refuse tells callers who are not judged when to come again; of a password that
// is wrong nobody is told more than that.
func (b *basic) refuse(x *exchange.Exchange, err error) error {
	var pause *password.Pause
	switch {
	case errors.As(err, &pause):
		x.Reason = "basic: " + err.Error()
		p := problem.TooManyRequests.Because(err)
		p.RetryAfter = pause.Left
		return p
	case errors.Is(err, password.ErrBusy):
		x.Reason = "basic: " + err.Error()
		return problem.Overloaded.Because(err)
	}
	return err
}

// credentials are the user and the password in what follows the scheme: base64
// with all of its padding, of UTF-8 without control characters. They are in room.
func credentials(room *[password.MaxShown + 3]byte, encoded []byte) (user, shown []byte, ok bool) {
	if base64.StdEncoding.DecodedLen(len(encoded)) > len(room) || bytes.ContainsAny(encoded, "\r\n") {
		return nil, nil, false
	}
	n, err := strict.Decode(room[:], encoded)
	text := room[:n]
	if err != nil || !utf8.Valid(text) || bytes.ContainsFunc(text, unicode.IsControl) {
		return nil, nil, false
	}
	user, shown, ok = bytes.Cut(text, colon)
	return user, shown, ok && len(user) > 0
}

var (
	strict = base64.StdEncoding.Strict()
	colon  = []byte(":")
)
