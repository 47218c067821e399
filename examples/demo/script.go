package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// settle is how long anything may take.
const settle = 5 * time.Second

// step is one request and what must come back.
type step struct {
	name  string
	path  string
	token string // "" sends none
	want  seen
}

// seen is what a step looks at: the status, the problem's code, and who the
// upstream was told the caller is.
type seen struct {
	Status int
	Code   string
	User   string
}

func (s seen) String() string {
	switch {
	case s.Code != "":
		return fmt.Sprintf("%d %s", s.Status, s.Code)
	case s.User != "":
		return fmt.Sprintf("%d as %s", s.Status, s.User)
	default:
		return fmt.Sprint(s.Status)
	}
}

var (
	accepted = seen{Status: 200, User: subject}
	rejected = seen{Status: 401, Code: "invalid_token"}
)

// tokens are what the requests carry.
type tokens struct{ valid, expired, unscoped string }

func newTokens(i *issuer) (t tokens, err error) {
	valid, err1 := i.token(nil)
	expired, err2 := i.token(jwt.MapClaims{"exp": time.Now().Add(-lifetime).Unix()})
	unscoped, err3 := i.token(jwt.MapClaims{"scope": "stock:read"})
	return tokens{valid, expired, unscoped}, errors.Join(err1, err2, err3)
}

// requests are those the demonstration begins with, and prints for a person.
func requests(t tokens) []step {
	const orders = "/gateway/orders/1.0/orders"
	return []step{
		{"a valid token", orders, t.valid, accepted},
		{"no token", orders, "", seen{Status: 401, Code: "token_missing"}},
		{"an expired token", orders, t.expired, rejected},
		{"a token without the scope", orders, t.unscoped, seen{Status: 403, Code: "insufficient_scope"}},
		{"a path that is not there", "/gateway/orders/1.0/stock", t.valid, seen{Status: 404, Code: "not_found"}},
	}
}

// player plays steps against a gateway and tells what it saw.
type player struct {
	base     string
	out      io.Writer
	patience time.Duration // for what takes its time
	client   *http.Client
	failed   int
}

// play is the whole script: the requests, a live edit, a key rotation. The
// error says how many expectations were not met.
func (s *stage) play(ctx context.Context, out io.Writer, patience time.Duration) error {
	t, err := newTokens(s.issuer)
	if err != nil {
		return err
	}
	p := &player{base: s.traffic(), out: out, patience: patience, client: &http.Client{Timeout: settle}}
	defer p.client.CloseIdleConnections()
	for _, step := range requests(t) {
		p.expect(ctx, step, 0)
	}
	if err := s.playEdit(ctx, p, t); err != nil {
		return err
	}
	if err := s.playRotation(ctx, p, t); err != nil {
		return err
	}
	if p.failed > 0 {
		return fmt.Errorf("%d of the demonstration's expectations were not met", p.failed)
	}
	return nil
}

// playEdit adds a resource to the file: what was not found is there.
func (s *stage) playEdit(ctx context.Context, p *player, t tokens) error {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if err := writeSettings(s.path, s.hooks.edit(string(text))); err != nil {
		return err
	}
	p.expect(ctx, step{"after an edit adds that path", "/gateway/orders/1.0/stock", t.valid, accepted}, p.patience)
	return nil
}

// playRotation gives the issuer a new key: a token of it works at once, and one
// of the removed key, accepted a moment ago, does not.
func (s *stage) playRotation(ctx context.Context, p *player, t tokens) error {
	if err := s.issuer.rotate(); err != nil {
		return err
	}
	fresh, err := s.issuer.token(nil)
	if err != nil {
		return err
	}
	const order = "/gateway/orders/1.0/orders/7"
	p.expect(ctx, step{"after a key rotation, a new token", order, fresh, accepted}, 0)
	p.expect(ctx, step{"a token of the removed key", order, t.valid, rejected}, 0)
	return nil
}

// expect plays a step, again until it is right or patience ends, and says how
// it went.
func (p *player) expect(ctx context.Context, s step, patience time.Duration) {
	deadline := time.Now().Add(patience)
	got, err := p.ask(ctx, s)
	for got != s.want && time.Now().Before(deadline) && ctx.Err() == nil {
		pause(ctx, 20*time.Millisecond)
		got, err = p.ask(ctx, s)
	}
	verdict, what := "ok  ", got.String()
	if got != s.want {
		verdict = "FAIL"
		p.failed++
	}
	if err != nil {
		what = err.Error()
	}
	fmt.Fprintf(p.out, "%s  %-34s expected %-24v saw %s\n", verdict, s.name, s.want, what)
}

func (p *player) ask(ctx context.Context, s step) (seen, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+s.path, nil)
	if err != nil {
		return seen{}, fmt.Errorf("make request: %w", err)
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return seen{}, fmt.Errorf("send request: %w", err)
	}
	defer response.Body.Close()
	var body struct {
		Code   string            `json:"code"`   // of a problem
		Header map[string]string `json:"header"` // of the upstream's answer
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&body); err != nil {
		return seen{Status: response.StatusCode}, fmt.Errorf("read answer with status %d: %w", response.StatusCode, err)
	}
	return seen{Status: response.StatusCode, Code: body.Code, User: body.Header["X-User"]}, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
