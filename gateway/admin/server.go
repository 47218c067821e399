package admin

import (
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/crash"
)

// Server is the admin listener's server, not yet serving: Handler within bounds
// that suit a few operators and scrapers.
func Server(s Sources) *fasthttp.Server {
	log := s.Log.Named("admin")
	return &fasthttp.Server{
		Handler:               guard(Handler(s), log),
		Logger:                quiet{log},
		SecureErrorLogMessage: true,
		NoDefaultServerHeader: true,
		CloseOnShutdown:       true,
		Concurrency:           512,
		ReadBufferSize:        16 << 10,
		MaxRequestBodySize:    4 << 10,
		ReadTimeout:           5 * time.Second,
		WriteTimeout:          30 * time.Second,
		IdleTimeout:           time.Minute,
	}
}

// guard keeps a panic from ending the process.
func guard(next fasthttp.RequestHandler, log *zap.Logger) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if p := recover(); p != nil {
				log.Error("panic", crash.Fields(p))
				ctx.Response.Reset()
				fail(ctx, fasthttp.StatusInternalServerError, "the gateway failed")
			}
		}()
		next(ctx)
	}
}

// quiet logs what the server says of its connections, for those who look for it.
type quiet struct{ log *zap.Logger }

// Printf implements fasthttp.Logger.
func (q quiet) Printf(format string, args ...any) { q.log.Sugar().Debugf(format, args...) }
