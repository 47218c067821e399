package admin

import (
	"strings"

	"github.com/valyala/fasthttp"

	"postern/provisioning/config"
)

// Owns says whether the traffic ports serve a canonical path as the admin
// listener does: with admin_api.on_traffic_port, status, settings and assets
// below admin_path win over every API. It allocates nothing.
func Owns(a *config.AdminAPI, path []byte) bool {
	prefix := strings.TrimSuffix(a.AdminPath, "/")
	if !a.OnTrafficPort || len(path) <= len(prefix) || string(path[:len(prefix)]) != prefix {
		return false
	}
	switch string(path[len(prefix):]) {
	case "/status", "/settings", "/assets":
		return true
	}
	return false
}

// Traffic serves the paths that Owns names, as cfg, the configuration of the
// exchange, has them. Without credentials in cfg anybody may ask, and learns
// names only.
func Traffic(s Sources) func(ctx *fasthttp.RequestCtx, cfg *config.Config, path []byte) {
	return func(ctx *fasthttp.RequestCtx, cfg *config.Config, path []byte) {
		if !admit(ctx, cfg.AdminAPI) {
			return
		}
		if protected(cfg.AdminAPI) {
			s.answer(ctx, s.page(cfg, string(path)))
			return
		}
		s.answer(ctx, s.publicPage(cfg, string(path)))
	}
}

// publicPage is what a stranger sees at path; nil when that is nothing.
func (s Sources) publicPage(cfg *config.Config, path string) fasthttp.RequestHandler {
	switch below(cfg.AdminAPI, path) {
	case "/status":
		return func(ctx *fasthttp.RequestCtx) { s.write(ctx, s.publicStatus(cfg)) }
	case "/assets":
		return func(ctx *fasthttp.RequestCtx) { s.write(ctx, publicAssets(cfg)) }
	}
	return nil
}
