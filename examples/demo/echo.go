package demo

import (
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// received is what the upstream answers: the request as it arrived there.
type received struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Query  string            `json:"query,omitempty"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body,omitempty"`
}

// echo is an upstream that tells what it was sent.
type echo struct {
	url      string
	listener net.Listener
	server   *fasthttp.Server
}

func newEcho() (*echo, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the upstream: %w", err)
	}
	return &echo{
		url:      "http://" + listener.Addr().String(),
		listener: listener,
		server:   &fasthttp.Server{Handler: answerReceived, Name: "echo", ReadTimeout: time.Minute, WriteTimeout: time.Minute},
	}, nil
}

func answerReceived(ctx *fasthttp.RequestCtx) {
	seen := received{
		Method: string(ctx.Method()),
		Path:   string(ctx.URI().PathOriginal()),
		Query:  string(ctx.URI().QueryString()),
		Header: map[string]string{},
		Body:   string(ctx.PostBody()),
	}
	for name, value := range ctx.Request.Header.All() {
		seen.Header[string(name)] = string(value)
	}
	answerJSON(ctx, seen)
}
