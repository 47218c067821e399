package admin

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html"
	"strings"

	"github.com/valyala/fasthttp"
)

//go:embed page/page.html page/page.css page/*.js
var pageFiles embed.FS

// scripts make one script, in this order.
var scripts = []string{"dom", "words", "rates", "chart", "traffic", "now", "servers", "apis", "reload", "poll"}

// document is the page for people, a single one without anything to fetch but
// the status: before and after admin_path, and the policy that lets the browser
// run nothing else than this style and this script.
type document struct {
	text   string
	policy string
}

const adminPathMark = "{{admin_path}}"

func newDocument() document {
	style, script := pageFile("page.css"), ""
	for _, name := range scripts {
		script += pageFile(name + ".js")
	}
	return document{
		text: strings.NewReplacer("{{style}}", style, "{{script}}", script).Replace(pageFile("page.html")),
		policy: "default-src 'none'; style-src " + digest(style) + "; script-src " + digest(script) +
			"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
			"; require-trusted-types-for 'script'; trusted-types 'none'",
	}
}

// pageFile reads what was built in, so it is there.
func pageFile(name string) string {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// digest names a text as a content security policy does.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// serve answers with the page of the gateway whose pages are below adminPath.
func (d document) serve(adminPath string) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		h := &ctx.Response.Header
		h.Set(fasthttp.HeaderContentSecurityPolicy, d.policy)
		h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set(fasthttp.HeaderXFrameOptions, "DENY")
		ctx.SetContentType("text/html; charset=utf-8")
		ctx.SetBodyString(strings.ReplaceAll(d.text, adminPathMark, html.EscapeString(adminPath)))
	}
}
