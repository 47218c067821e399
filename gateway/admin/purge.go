package admin

import (
	"errors"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/provisioning/config"
)

// ErrNoCache is what a purge fails of.
var ErrNoCache = errors.New("there is no such API, or it keeps no answers")

// purged is the API whose answers path asks to remove; "" when it asks for
// something else.
func purged(a config.AdminAPI, path string) string {
	return between(a, path, "/apis/", "/cache/purge")
}

// purge removes the answers that are kept of an API, and says how many there were.
func (s Sources) purge(ctx *fasthttp.RequestCtx, api string) {
	if !mayChange(ctx) {
		return
	}
	outcome, err := s.Purge(api)
	s.Log.Info("purge asked for by an operator", zap.String("api", api), zap.Error(err))
	if err != nil {
		fail(ctx, fasthttp.StatusNotFound, err.Error())
		return
	}
	harden(ctx)
	s.write(ctx, outcome)
}
