package admin

import (
	"fmt"
	"io"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// Why not fasthttp's pprofhandler: it brings net/http/pprof along, which adds
// twice as much to the binary, registers itself with net/http and profiles for
// as long as it is asked to.

// Longer than this nobody may profile, and nobody trace.
const (
	maxProfile = time.Minute
	maxTrace   = 10 * time.Second
)

// debugPrefix is where profiles show, as "go tool pprof" expects them.
const debugPrefix = "/debug/pprof/"

// debugPage is the profile at path; nil when there is none.
func (s Sources) debugPage(path string) fasthttp.RequestHandler {
	name, ok := strings.CutPrefix(path, debugPrefix)
	switch {
	case !ok:
		return nil
	case name == "":
		return listProfiles
	case name == "profile":
		return func(ctx *fasthttp.RequestCtx) { record(ctx, maxProfile, pprof.StartCPUProfile, pprof.StopCPUProfile) }
	case name == "trace":
		return func(ctx *fasthttp.RequestCtx) { record(ctx, maxTrace, trace.Start, trace.Stop) }
	}
	p := pprof.Lookup(name)
	if p == nil {
		return nil
	}
	return func(ctx *fasthttp.RequestCtx) { s.writeProfile(ctx, p) }
}

func listProfiles(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/plain; charset=utf-8")
	fmt.Fprintf(ctx, "profile?seconds=30\ntrace?seconds=1\n")
	for _, p := range pprof.Profiles() {
		fmt.Fprintf(ctx, "%s?debug=1\t%d\n", p.Name(), p.Count())
	}
}

func (s Sources) writeProfile(ctx *fasthttp.RequestCtx, p *pprof.Profile) {
	debug := ctx.QueryArgs().GetUintOrZero("debug")
	ctx.SetContentType("application/octet-stream")
	if debug > 0 {
		ctx.SetContentType("text/plain; charset=utf-8")
	}
	if err := p.WriteTo(ctx, debug); err != nil {
		fail(ctx, fasthttp.StatusInternalServerError, err.Error())
	}
}

// record lets start and stop write what happens in the seconds that are asked
// for, up to most, or until the gateway shuts down.
func record(ctx *fasthttp.RequestCtx, most time.Duration, start func(io.Writer) error, stop func()) {
	span := time.Duration(ctx.QueryArgs().GetUintOrZero("seconds")) * time.Second
	if span == 0 {
		span = min(most, 30*time.Second)
	}
	if span > most {
		fail(ctx, fasthttp.StatusBadRequest, fmt.Sprintf("seconds must not be more than %d", int(most.Seconds())))
		return
	}
	if err := start(ctx); err != nil {
		fail(ctx, fasthttp.StatusConflict, "one is being recorded already")
		return
	}
	defer stop()
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	ctx.SetContentType("application/octet-stream")
}
