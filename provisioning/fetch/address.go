package fetch

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// check parses address and refuses what may not be fetched from.
func (c *Client) check(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: not a URL", ErrAddress)
	}
	if err := c.checkURL(u); err != nil {
		return nil, fmt.Errorf("get %s: %w", Redact(address), err)
	}
	return u, nil
}

func (c *Client) checkURL(u *url.URL) error {
	switch {
	case u.Host == "" || u.Opaque != "":
		return fmt.Errorf("%w: no host", ErrAddress)
	case u.User != nil:
		return fmt.Errorf("%w: user information", ErrAddress)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (c.allowHTTP || isLoopback(u.Hostname())):
		return nil
	}
	return fmt.Errorf("%w: scheme %q is not https", ErrAddress, u.Scheme)
}

// checkRedirect follows a few redirects to the host that was asked, and never
// from https to http.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	first, last := via[0].URL, via[len(via)-1].URL
	switch {
	case req.Context().Value(staying{}) != nil:
		return fmt.Errorf("%w: of a form", ErrRedirect)
	case len(via) > MaxRedirects:
		return fmt.Errorf("%w: more than %d", ErrRedirect, MaxRedirects)
	case !strings.EqualFold(req.URL.Hostname(), first.Hostname()):
		return fmt.Errorf("%w: to host %q", ErrRedirect, req.URL.Hostname())
	case last.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("%w: from https to %s", ErrRedirect, req.URL.Scheme)
	}
	if err := c.checkURL(req.URL); err != nil {
		return fmt.Errorf("%w: %w", ErrRedirect, err)
	}
	return nil
}

// Redact is address without user information, query and fragment, as it may
// stand in a log.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "(not a URL)" // whatever it is
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
