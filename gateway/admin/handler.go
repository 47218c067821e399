package admin

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/metrics"
	"postern/provisioning/config"
	"postern/provisioning/shown"
)

// Sources are what the window shows. All functions are needed and must be safe
// for concurrent use; they are asked at each request.
type Sources struct {
	Config  func() *config.Config // the live one; nil: none yet
	Ready   func() []string       // why the gateway is not ready; empty: it is
	Version string
	Running func() Running
	Traffic func() metrics.Traffic
	// Upstreams is how the upstream of each API stands, by name/version; may be
	// nil.
	Upstreams func() map[string]metrics.Upstream
	Metrics   func(io.Writer) // Prometheus' text format
	// Refresh fetches the keys of an auth server and returns how it stands, as
	// JSON can hold it.
	Refresh func(ctx context.Context, authServer string) (any, error)
	// Purge removes the answers that are kept of an API, by its name or
	// name/version, and says how many there were, as JSON can hold it.
	Purge func(api string) (any, error)
	Log   *zap.Logger
}

// Handler serves the admin listener: the page for people at /, /livez, /readyz,
// /metrics, /debug/pprof/ when debug is on, and status, settings, assets the
// refresh of an auth server and the purge of an API's cache below admin_path. Once a user is configured, only
// /livez and /readyz do without its password; as long as there is none, only they
// answer to any name in Host.
func Handler(s Sources) fasthttp.RequestHandler {
	front := newDocument()
	return func(ctx *fasthttp.RequestCtx) {
		path := string(ctx.Path())
		switch path {
		case "/livez":
			s.answer(ctx, s.livez)
			return
		case "/readyz":
			s.answer(ctx, s.readyz)
			return
		}
		cfg := s.Config()
		if cfg == nil {
			fail(ctx, fasthttp.StatusServiceUnavailable, "no configuration yet")
			return
		}
		if !protected(cfg.AdminAPI) && !meant(ctx) {
			fail(ctx, fasthttp.StatusMisdirectedRequest, "without admin_api.user only an IP address or localhost may be asked")
			return
		}
		if !admit(ctx, cfg.AdminAPI) {
			return
		}
		if name := refreshed(cfg.AdminAPI, path); name != "" {
			s.refresh(ctx, name)
			return
		}
		if api := purged(cfg.AdminAPI, path); api != "" {
			s.purge(ctx, api)
			return
		}
		if path == "/" {
			s.answer(ctx, front.serve(cfg.AdminAPI.AdminPath))
			return
		}
		s.answer(ctx, s.page(cfg, path))
	}
}

// page is what shows at path; nil when nothing does.
func (s Sources) page(cfg *config.Config, path string) fasthttp.RequestHandler {
	if path == "/metrics" {
		return s.metrics
	}
	if page := s.debugPage(path); page != nil && cfg.AdminAPI.Debug {
		return page
	}
	switch below(cfg.AdminAPI, path) {
	case "/status":
		return func(ctx *fasthttp.RequestCtx) { s.write(ctx, s.status(cfg)) }
	case "/settings":
		return func(ctx *fasthttp.RequestCtx) { s.write(ctx, shown.Settings(cfg)) }
	case "/assets":
		return func(ctx *fasthttp.RequestCtx) { s.write(ctx, assets(cfg)) }
	}
	return nil
}

// below is what follows admin_path in path; "" when path is elsewhere.
func below(a config.AdminAPI, path string) string {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(a.AdminPath, "/"))
	if !ok {
		return ""
	}
	return rest
}

// answer shows page to those who only look.
func (s Sources) answer(ctx *fasthttp.RequestCtx, page fasthttp.RequestHandler) {
	switch {
	case page == nil:
		fail(ctx, fasthttp.StatusNotFound, "there is nothing here")
	case !ctx.IsGet() && !ctx.IsHead():
		ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD")
		fail(ctx, fasthttp.StatusMethodNotAllowed, "the method is not allowed here")
	default:
		harden(ctx)
		page(ctx)
		ctx.Response.SkipBody = ctx.IsHead()
	}
}

// livez answers as long as the process does.
func (s Sources) livez(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString("ok")
}

// readyz says whether requests should come here.
func (s Sources) readyz(ctx *fasthttp.RequestCtx) {
	reasons := s.Ready()
	if len(reasons) > 0 {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	s.write(ctx, struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons,omitempty"`
	}{len(reasons) == 0, reasons})
}

func (s Sources) metrics(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	s.Metrics(ctx)
}

// write answers with v as JSON.
func (s Sources) write(ctx *fasthttp.RequestCtx, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.Log.Error("admin answer", zap.ByteString("path", ctx.Path()), zap.Error(err))
		fail(ctx, fasthttp.StatusInternalServerError, "the answer cannot be written")
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// fail answers with an error; what was said before remains in the header.
func fail(ctx *fasthttp.RequestCtx, status int, message string) {
	harden(ctx)
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	body, _ := json.Marshal(map[string]string{"error": message}) // strings can be written
	ctx.SetBody(append(body, '\n'))
	ctx.Response.SkipBody = ctx.IsHead()
}

// harden keeps answers out of caches and browsers from guessing their type.
func harden(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	ctx.Response.Header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
}
