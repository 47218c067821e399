package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"postern/provisioning/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer is a response in memory; fields are name and value in turn.
func answer(req *http.Request, status int, body string, fields ...string) *http.Response {
	header := http.Header{}
	for i := 0; i < len(fields); i += 2 {
		header.Add(fields[i], fields[i+1])
	}
	return &http.Response{
		StatusCode: status, Header: header, Request: req, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// always is a client that gets the same answer to every request.
func always(status int, body string, fields ...string) *fetch.Client {
	return fetch.New(fetch.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		return answer(req, status, body, fields...), nil
	})})
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		address   string
		allowHTTP bool
		want      error
	}{
		{"https://idp.example.com/certs?x=1", false, nil},
		{"HTTPS://idp.example.com:8443/certs", false, nil},
		{"http://localhost:8080/certs", false, nil},
		{"http://127.0.0.1/certs", false, nil},
		{"http://127.9.9.9/certs", false, nil},
		{"http://[::1]:80/certs", false, nil},
		{"http://[::ffff:127.0.0.1]/certs", false, nil},
		{"http://idp.example.com/certs", true, nil},
		{"http://idp.example.com/certs", false, fetch.ErrAddress},
		{"http://localhost.example.com/", false, fetch.ErrAddress},
		{"http://127.0.0.1.example.com/", false, fetch.ErrAddress},
		{"http://0.0.0.0/", false, fetch.ErrAddress},
		{"https://user:secret@idp.example.com/", false, fetch.ErrAddress},
		{"ftp://localhost/", true, fetch.ErrAddress},
		{"file:///etc/passwd", true, fetch.ErrAddress},
		{"idp.example.com/certs", true, fetch.ErrAddress},
		{"https:/certs", true, fetch.ErrAddress},
		{"https:idp", true, fetch.ErrAddress},
		{"://", true, fetch.ErrAddress},
		{"", true, fetch.ErrAddress},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.address, " ", tt.allowHTTP), func(t *testing.T) {
			asked := false
			c := fetch.New(fetch.Options{AllowHTTP: tt.allowHTTP, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				asked = true
				return answer(req, 200, "{}"), nil
			})})
			_, err := c.Get(t.Context(), tt.address, "")
			if !errors.Is(err, tt.want) || asked != (tt.want == nil) {
				t.Errorf("asked: %v, error: %v; want %v", asked, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error shows user information: %v", err)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	tests := []struct {
		name  string
		chain []string // each redirects to the one after it
		want  error
	}{
		{"none", []string{"https://a.example/0"}, nil},
		{"three on one host", []string{"https://a.example/0", "https://a.example/1", "https://A.example/2", "/3"}, nil},
		{"four", []string{"https://a.example/0", "/1", "/2", "/3", "/4"}, fetch.ErrRedirect},
		{"to another port", []string{"https://a.example/0", "https://a.example:8443/1"}, nil},
		{"to another host", []string{"https://a.example/0", "https://b.example/1"}, fetch.ErrRedirect},
		{"to another host later", []string{"https://a.example/0", "/1", "//b.example/2"}, fetch.ErrRedirect},
		{"down to http", []string{"https://localhost/0", "http://localhost/1"}, fetch.ErrRedirect},
		{"up to https", []string{"http://localhost/0", "https://localhost/1"}, nil},
		{"up and down", []string{"http://localhost/0", "https://localhost/1", "http://localhost/2"}, fetch.ErrRedirect},
		{"with user information", []string{"https://a.example/0", "https://u:p@a.example/1"}, fetch.ErrRedirect},
		{"to a file", []string{"https://a.example/0", "file://a.example/etc/passwd"}, fetch.ErrRedirect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			c := fetch.New(fetch.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				if asked++; asked == len(tt.chain) {
					return answer(req, 200, "arrived"), nil
				}
				return answer(req, 302, "", "Location", tt.chain[asked]), nil
			})})
			got, err := c.Get(t.Context(), tt.chain[0], "")
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && string(got.Body) != "arrived" {
				t.Errorf("body %q", got.Body)
			}
			if err != nil && asked == len(tt.chain) {
				t.Error("the last address was asked all the same")
			}
		})
	}
}

func TestStatus(t *testing.T) {
	for _, status := range []int{201, 204, 206, 300, 304, 400, 401, 404, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			_, err := always(status, "{}").Get(t.Context(), "https://user.example/certs?token=hidden", "")
			if !errors.Is(err, fetch.ErrStatus) || !strings.Contains(err.Error(), fmt.Sprint(status)) {
				t.Errorf("got %v", err)
			}
			if !strings.Contains(err.Error(), "https://user.example/certs") || strings.Contains(err.Error(), "hidden") {
				t.Errorf("error names the address badly: %v", err)
			}
		})
	}
}

func TestErrorsOfTheTransportHideTheQuery(t *testing.T) {
	c := fetch.New(fetch.Options{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, io.ErrUnexpectedEOF
	})})
	_, err := c.Get(t.Context(), "https://a.example/certs?token=hidden", "")
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v", err)
	}
}

func TestSize(t *testing.T) {
	long := strings.Repeat("x", fetch.MaxBody)
	if got, err := always(200, long).Get(t.Context(), "https://a.example", ""); err != nil || len(got.Body) != fetch.MaxBody {
		t.Errorf("1 MiB: %v", err)
	}
	if _, err := always(200, long+"x").Get(t.Context(), "https://a.example", ""); !errors.Is(err, fetch.ErrTooLarge) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestAnnouncedSizeIsBelieved(t *testing.T) {
	c := fetch.New(fetch.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.ContentLength = fetch.MaxBody + 1
		resp.Body = io.NopCloser(readTrap{t})
		return resp, nil
	})})
	if _, err := c.Get(t.Context(), "https://a.example", ""); !errors.Is(err, fetch.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

type readTrap struct{ t *testing.T }

func (r readTrap) Read([]byte) (int, error) {
	r.t.Error("body was read")
	return 0, io.EOF
}

func TestBodyThatBreaksOff(t *testing.T) {
	c := fetch.New(fetch.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), &broken{}))
		return resp, nil
	})})
	if got, err := c.Get(t.Context(), "https://a.example", ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, %v", got, err)
	}
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestETag(t *testing.T) {
	c := fetch.New(fetch.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("If-None-Match") == `"v1"` {
			return answer(req, 304, "", "ETag", `"v1"`, "Cache-Control", "max-age=60"), nil
		}
		return answer(req, 200, "{}", "ETag", `"v1"`), nil
	})})
	first, err := c.Get(t.Context(), "https://a.example", "")
	if err != nil || first.NotModified || first.ETag != `"v1"` || string(first.Body) != "{}" {
		t.Fatalf("first: %+v, %v", first, err)
	}
	again, err := c.Get(t.Context(), "https://a.example", first.ETag)
	if err != nil || !again.NotModified || again.MaxAge != time.Minute || again.Body != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestMaxAge(t *testing.T) {
	tests := []struct {
		fields []string
		want   time.Duration
	}{
		{nil, -1},
		{[]string{"Cache-Control", "public"}, -1},
		{[]string{"Cache-Control", "max-age=300"}, 5 * time.Minute},
		{[]string{"Cache-Control", "public, MAX-AGE=300 , must-revalidate"}, 5 * time.Minute},
		{[]string{"Cache-Control", `max-age="300"`}, 5 * time.Minute},
		{[]string{"Cache-Control", "public", "Cache-Control", "max-age=300"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=300, max-age=900"}, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=300", "Age", "100"}, 200 * time.Second},
		{[]string{"Cache-Control", "max-age=300", "Age", "1000"}, 0},
		{[]string{"Cache-Control", "max-age=300, no-cache"}, 0},
		{[]string{"Cache-Control", "no-store"}, 0},
		{[]string{"Cache-Control", "max-age=-1"}, -1},
		{[]string{"Cache-Control", "max-age=1e9"}, -1},
		{[]string{"Cache-Control", "max-age="}, -1},
		{[]string{"Cache-Control", "s-maxage=300"}, -1},
		{[]string{"Cache-Control", "max-age=2000000000"}, 365 * 24 * time.Hour},
		{[]string{"Cache-Control", "max-age=99999999999999999999"}, -1},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.fields, " "), func(t *testing.T) {
			got, err := always(200, "{}", tt.fields...).Get(t.Context(), "https://a.example", "")
			if err != nil || got.MaxAge != tt.want {
				t.Errorf("got %v, %v; want %s", got.MaxAge, err, tt.want)
			}
		})
	}
}

func TestTime(t *testing.T) {
	slow := func(head, body time.Duration) *fetch.Client {
		return fetch.New(fetch.Options{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			if err := wait(req.Context(), head); err != nil {
				return nil, err
			}
			resp := answer(req, 200, "")
			resp.Body = io.NopCloser(&drip{ctx: req.Context(), pause: body})
			return resp, nil
		})})
	}
	tests := []struct {
		name       string
		head, body time.Duration
		ok         bool
	}{
		{"quick", time.Second, time.Second, true},
		{"slow head", 6 * time.Second, 0, false},
		{"slow body", 0, 6 * time.Second, false},
		{"both slow together", 3 * time.Second, 3 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := slow(tt.head, tt.body).Get(t.Context(), "https://a.example", "")
				if (err == nil) != tt.ok || time.Since(begun) > fetch.Timeout {
					t.Errorf("%v after %s", err, time.Since(begun))
				}
			})
		})
	}
}

// drip gives one byte after a pause.
type drip struct {
	ctx   context.Context
	pause time.Duration
	done  bool
}

func (d *drip) Read(p []byte) (int, error) {
	if d.done {
		return 0, io.EOF
	}
	d.done = true
	return copy(p, "x"), wait(d.ctx, d.pause)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// With the client's own transport, over a real connection.
func TestOwnTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(bytes.Repeat([]byte(" "), 10<<20))
			_ = z.Close()
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer server.Close()
	c := fetch.New(fetch.Options{})
	defer c.Close()
	if got, err := c.Get(t.Context(), server.URL, ""); err != nil || string(got.Body) != "hello" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := c.Get(t.Context(), server.URL+"/bomb", ""); !errors.Is(err, fetch.ErrTooLarge) {
		t.Errorf("10 MiB in a small gzip: %v", err)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c := fetch.New(fetch.Options{})
	defer c.Close()
	_, err := c.Get(t.Context(), server.URL, "")
	var unverified *tls.CertificateVerificationError
	if !errors.As(err, &unverified) {
		t.Errorf("got %v", err)
	}
}

func TestRedact(t *testing.T) {
	for address, want := range map[string]string{
		"https://u:p@a.example:1/b?c=d#e": "https://a.example:1/b",
		"https://a.example":               "https://a.example",
		"%zz":                             "(not a URL)",
	} {
		if got := fetch.Redact(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
