// Package invocationlog lets destinations have an event for each request: of
// what it was, what became of it, and, where that is asked for, of its fields and
// bodies. Bodies pass while their beginning is copied. Nothing secret is stored in
// clear.
package invocationlog

import (
	"slices"
	"sync"

	"postern/gateway/destination"
	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/provisioning/config"
)

// Site is what a gateway has for it.
type Site struct {
	API     *config.API
	Node    string // names the gateway's host
	Bodies  *message.Bodies
	Secrets []string // fields whose values are not stored
	// Mask and MaskPath append a query, a form or a path without what is secret.
	Mask, MaskPath func(dst, text []byte, scratch *[]byte) []byte
	// Hide is how bodies are stored of answers of a status, or of requests, with 0:
	// it appends one without what is hidden, and ok is false where that cannot be
	// hidden for sure. nil: as they are.
	Hide func(status int) func(dst []byte, c *message.Copy) (text []byte, ok bool)
	To   func(names []string) []*destination.Destination
}

// Log is the rules of all levels that a request meets. It is safe for concurrent
// use.
type Log struct {
	site    Site
	entries []entry
	// What at least one of the entries stores.
	request, response, nativeRequest, nativeResponse config.LoggedMessage
	maxBody                                          int64
	records                                          sync.Pool
}

// entry is one rule.
type entry struct {
	cfg            *config.InvocationLog
	to             []*destination.Destination
	client, server bool
}

// New makes the log of some rules.
func New(rules []*config.InvocationLog, site Site) *Log {
	l := &Log{site: site}
	for _, cfg := range rules {
		e := entry{cfg, site.To(cfg.Destinations), slices.Contains(cfg.Messages, "client"), slices.Contains(cfg.Messages, "server")}
		l.entries = append(l.entries, e)
		if e.client {
			add(&l.request, cfg.Request)
			add(&l.response, cfg.Response)
		}
		if e.server {
			add(&l.nativeRequest, cfg.Request)
			add(&l.nativeResponse, cfg.Response)
		}
		if cfg.Request != nil && cfg.Request.Body || cfg.Response != nil && cfg.Response.Body {
			l.maxBody = max(l.maxBody, cfg.MaxBody.Limit())
		}
	}
	return l
}

func add(to *config.LoggedMessage, more *config.LoggedMessage) {
	if more != nil {
		to.Headers, to.Body = to.Headers || more.Headers, to.Body || more.Body
	}
}

// Begin is before whatever may refuse a request.
func (l *Log) Begin(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		r, _ := l.records.Get().(*record)
		if r == nil {
			r = new(record)
			r.end, r.take = r.tell, r.add
		}
		r.log, r.x = l, x
		r.noteCaller(x)
		x.Record = r
		x.AtEnd(r.end)
		return next(x)
	}
}

// Client is behind whatever may refuse a request, and before whatever changes
// it.
func (l *Log) Client(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		r, ours := x.Record.(*record)
		if !ours {
			return next(x)
		}
		r.passed = true
		r.noteSecrets(x)
		if l.request.Body {
			r.reqBody = l.site.Bodies.CopyRequest(x, l.maxBody)
		}
		err := next(x)
		if err == nil {
			r.noteAnswer(x)
		}
		return err
	}
}

// SeesServer reports whether something of the upstream's messages is stored.
func (l *Log) SeesServer() bool {
	return l.nativeRequest != (config.LoggedMessage{}) || l.nativeResponse != (config.LoggedMessage{})
}

// Server is next to the upstream.
func (l *Log) Server(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		r, ours := x.Record.(*record)
		if !ours {
			return next(x)
		}
		if l.nativeRequest.Headers {
			r.nativeRequest = r.appendHead(r.nativeRequest[:0], &x.Head)
		}
		if l.nativeRequest.Body {
			r.nativeReqBody = r.copyRequest(x)
		}
		err := next(x)
		if err == nil && x.Answer.Status != 0 {
			r.noteNative(x)
		}
		return err
	}
}
