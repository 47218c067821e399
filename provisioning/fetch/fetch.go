// Package fetch reads one document over HTTPS within bounds: of time, of size,
// of redirects and of whom it may be sent to. Key sets come through it, and what
// authorization servers say of tokens (post.go). It keeps nothing but idle
// connections; caching and repeating are the caller's.
package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// The bounds of one Get or Post.
const (
	Timeout      = 5 * time.Second // from the first byte sent to the last received, redirects included, unless Options say otherwise
	MaxBody      = 1 << 20         // bytes of a body, after decompression, likewise
	MaxRedirects = 3
)

var (
	// ErrTooLarge: the body is longer than the client takes.
	ErrTooLarge = errors.New("answer is too long")
	// ErrStatus: the answer's status is neither 200 nor an expected 304; a
	// StatusError tells it.
	ErrStatus = errors.New("unexpected status")
	// ErrRedirect: a redirect leads elsewhere, or never ends.
	ErrRedirect = errors.New("redirect refused")
	// ErrAddress: the address is not one that may be fetched from.
	ErrAddress = errors.New("address refused")
)

// StatusError is an ErrStatus.
type StatusError struct{ Status int }

// Error names the status.
func (e *StatusError) Error() string { return fmt.Sprintf("%v %d", ErrStatus, e.Status) }

// Unwrap makes it an ErrStatus.
func (e *StatusError) Unwrap() error { return ErrStatus }

// Options say how a Client fetches. The zero value is safe.
type Options struct {
	AllowHTTP   bool              // http beyond loopback
	Transport   http.RoundTripper // nil: a transport of the client's own
	TLS         *tls.Config       // how servers are spoken to; nil: the system's authorities, TLS 1.2 or later
	Timeout     time.Duration     // 0: Timeout
	Connections int               // kept for later; 0: one
	MaxBody     int64             // 0: MaxBody
}

// Answer is what a server said.
type Answer struct {
	NotModified bool // the document is still the one of the etag sent; Body is nil
	Body        []byte
	ETag        string
	MaxAge      time.Duration // how long the server calls it fresh; negative when it does not say
}

// Client fetches documents. Safe for concurrent use.
type Client struct {
	http      *http.Client
	allowHTTP bool
	maxBody   int64
}

// New returns a Client. It opens nothing before the first Get.
func New(o Options) *Client {
	o.Timeout = cmp.Or(o.Timeout, Timeout)
	if o.Transport == nil {
		o.Transport = newTransport(o)
	}
	c := &Client{allowHTTP: o.AllowHTTP, maxBody: cmp.Or(o.MaxBody, MaxBody)}
	c.http = &http.Client{Transport: o.Transport, Timeout: o.Timeout, CheckRedirect: c.checkRedirect}
	return c
}

func newTransport(o Options) *http.Transport {
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: o.Timeout}).DialContext,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    o.Timeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    cmp.Or(o.Connections, 1),
		IdleConnTimeout:        10 * time.Second,
		ForceAttemptHTTP2:      true,
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get reads the document at address. With an etag it asks only for what has
// changed since. Errors name the address without user information and query.
func (c *Client) Get(ctx context.Context, address, etag string) (*Answer, error) {
	u, err := c.check(address)
	if err != nil {
		return nil, err
	}
	answer, err := c.get(ctx, u, etag)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", Redact(address), withoutURL(err))
	}
	return answer, nil
}

func (c *Client) get(ctx context.Context, u *url.URL, etag string) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json;q=0.9, */*;q=0.1")
	req.Header.Set("User-Agent", "postern")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	return c.do(req)
}

// do sends a request and reads the answer within the bounds.
func (c *Client) do(req *http.Request) (*Answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := &Answer{ETag: resp.Header.Get("ETag"), MaxAge: maxAge(resp.Header)}
	switch {
	case resp.StatusCode == http.StatusNotModified && req.Header.Get("If-None-Match") != "":
		answer.NotModified = true
		return answer, nil
	case resp.StatusCode != http.StatusOK:
		return nil, &StatusError{resp.StatusCode}
	case resp.ContentLength > c.maxBody:
		return nil, ErrTooLarge
	}
	answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if int64(len(answer.Body)) > c.maxBody {
		return nil, ErrTooLarge
	}
	return answer, nil
}

// withoutURL takes off the wrapper that repeats the address with its query.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
