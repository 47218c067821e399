package admin

import (
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"
)

// meant reports whether a request names this host as no stranger's name can. A
// page of another site may have its name resolved to loopback, and then is the
// same origin for the browser (DNS rebinding); an address, localhost and no name
// at all cannot be had that way.
func meant(ctx *fasthttp.RequestCtx) bool {
	name := string(ctx.Request.Header.Host())
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	if name == "" || strings.EqualFold(name, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
