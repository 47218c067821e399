package admin

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/provisioning/config"
)

// What a refresh can fail of, besides the fetch itself. Sources.Refresh returns
// errors that are these.
var (
	ErrNoAuthServer = errors.New("there is no such auth server")
	ErrTooSoon      = errors.New("its keys were asked for a moment ago")
)

// RefreshPause is how long an auth server's keys are left alone after an operator
// had them fetched.
const RefreshPause = 5 * time.Second

// refreshLimit bounds how long an operator waits; fetches have bounds of their
// own, and discovery makes two of them.
const refreshLimit = 20 * time.Second

// refreshed is the auth server whose keys path asks for; "" when it asks for
// something else.
func refreshed(a config.AdminAPI, path string) string {
	return between(a, path, "/auth_servers/", "/refresh")
}

// between is the name that stands between two parts of a path below admin_path;
// "" when path is another one.
func between(a config.AdminAPI, path, before, after string) string {
	rest, ok := strings.CutPrefix(below(a, path), before)
	if !ok {
		return ""
	}
	name, ok := strings.CutSuffix(rest, after)
	if !ok {
		return ""
	}
	return name
}

// refresh fetches the keys of an auth server and answers with how it stands.
func (s Sources) refresh(ctx *fasthttp.RequestCtx, name string) {
	if !mayChange(ctx) {
		return
	}
	limited, cancel := context.WithTimeout(context.Background(), refreshLimit)
	defer cancel()
	outcome, err := s.Refresh(limited, name)
	if err == nil {
		harden(ctx)
		s.write(ctx, outcome)
		return
	}
	if errors.Is(err, ErrTooSoon) {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(int(RefreshPause.Seconds())))
	}
	s.Log.Info("refresh asked for by an operator", zap.String("auth_server", name), zap.Error(err))
	fail(ctx, refreshStatus(err), err.Error())
}

// mayChange reports whether a request may have something done; else it is answered.
func mayChange(ctx *fasthttp.RequestCtx) bool {
	switch {
	case !ctx.IsPost():
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "POST")
		fail(ctx, fasthttp.StatusMethodNotAllowed, "the method is not allowed here")
	case foreign(ctx):
		fail(ctx, fasthttp.StatusForbidden, "a page of another site asks for this")
	default:
		return true
	}
	return false
}

func refreshStatus(err error) int {
	var late net.Error
	switch {
	case errors.Is(err, ErrNoAuthServer):
		return fasthttp.StatusNotFound
	case errors.Is(err, ErrTooSoon):
		return fasthttp.StatusTooManyRequests
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return fasthttp.StatusGatewayTimeout
	}
	return fasthttp.StatusBadGateway
}

// foreign reports whether a browser asks on behalf of a page of another site. A
// browser sends the operator's credentials along whoever asks, and says in these
// fields who that is; what is not a browser sends neither.
func foreign(ctx *fasthttp.RequestCtx) bool {
	header := &ctx.Request.Header
	switch string(header.Peek("Sec-Fetch-Site")) {
	case "", "same-origin", "none":
	default:
		return true
	}
	origin := header.Peek(fasthttp.HeaderOrigin)
	if origin == nil {
		return false
	}
	u, err := url.Parse(string(origin))
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, string(ctx.Host()))
}
