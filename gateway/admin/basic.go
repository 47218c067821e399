package admin

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/valyala/fasthttp"

	"postern/provisioning/config"
)

// protected says whether credentials are asked for.
func protected(a config.AdminAPI) bool { return a.User != "" || !a.Password.IsZero() }

// admit lets the operator pass and answers everybody else with 401. It is
// asked before anything tells which paths exist.
func admit(ctx *fasthttp.RequestCtx, a config.AdminAPI) bool {
	if !protected(a) || known(ctx, a) {
		return true
	}
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, `Basic realm="postern", charset="UTF-8"`)
	fail(ctx, fasthttp.StatusUnauthorized, "credentials are needed")
	return false
}

// known compares the credentials of RFC 7617; the time it takes does not tell
// which of the two is wrong, nor where.
func known(ctx *fasthttp.RequestCtx, a config.AdminAPI) bool {
	lines := ctx.Request.Header.PeekAll(fasthttp.HeaderAuthorization)
	if len(lines) != 1 {
		return false
	}
	scheme, encoded, _ := bytes.Cut(lines[0], []byte(" "))
	if !strings.EqualFold(string(scheme), "Basic") {
		return false
	}
	pair, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(encoded)))
	if err != nil {
		return false
	}
	user, password, ok := strings.Cut(string(pair), ":")
	userSame, passwordSame := same(user, a.User), same(password, a.Password.Reveal())
	return ok && userSame&passwordSame == 1 && !a.Password.IsZero()
}

// same compares without telling even the length.
func same(given, want string) int {
	g, w := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:])
}
