package fetch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Post sends a form to address and reads the answer. header is added to what
// the client says of itself. What a form holds is for the one that was asked:
// no redirect is followed. Errors name the address as those of Get do.
func (c *Client) Post(ctx context.Context, address string, form url.Values, header http.Header) (*Answer, error) {
	u, err := c.check(address)
	if err != nil {
		return nil, err
	}
	answer, err := c.post(ctx, u, form, header)
	if err != nil {
		return nil, fmt.Errorf("post to %s: %w", Redact(address), withoutURL(err))
	}
	return answer, nil
}

func (c *Client) post(ctx context.Context, u *url.URL, form url.Values, header http.Header) (*Answer, error) {
	ctx = context.WithValue(ctx, staying{}, true)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "postern")
	return c.do(req)
}

// staying marks the context of a request that follows no redirect.
type staying struct{}
