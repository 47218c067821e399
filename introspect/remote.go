package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

// remote asks one authorization server what it thinks of tokens (RFC 7662), and
// keeps its answers for a while. It starts nothing and outlives the Set that
// made it while later ones have the same rules.
type remote struct {
	rules  config.AuthServer // as configured; see rulesOf
	http   *fetch.Client
	client *client
	gate   *gate
	skew   time.Duration // what clocks may differ
	trust  *cache        // answers for good tokens
	doubt  *cache        // those for others, apart, so that strangers' tokens displace nobody's
	pause  rests
	log    *zap.Logger

	mu      sync.Mutex
	flights map[string]*question // by token

	tally remoteTally
}

// maxDoubt bounds how many answers for bad tokens are kept.
const maxDoubt = 1024

// question is one that is being asked, shared by all who wait for the answer.
type question struct {
	done  chan struct{}
	token *Token
	err   error // set before done is closed
}

// errOdd is an ErrNoAnswer for which the token may be to blame: the server is
// there, but it, or what guards it, cannot cope with this one. Strangers choose
// tokens, so it does not count against the server.
var errOdd = errors.New("for this token")

// newRemote prepares what asks an auth server, whose clock may be skew ahead. The
// path of a fault is relative to its remote_introspection.
func (s *Set) newRemote(cfg *config.AuthServer, skew time.Duration) (*remote, config.Faults) {
	r := cfg.Remote
	secure, err := fetch.TLS(r.TLS)
	if err != nil {
		return nil, config.Below(err, "tls")
	}
	who, fault := newClient(r)
	if fault != nil {
		return nil, config.Faults{*fault}
	}
	timeout := time.Duration(r.Timeout)
	return &remote{
		rules:  rulesOf(*cfg),
		http:   fetch.New(fetch.Options{AllowHTTP: r.AllowHTTP, Transport: s.transport, TLS: secure, Timeout: timeout, Connections: r.Concurrency}),
		client: who,
		gate:   newGateOf(r.Concurrency, timeout),
		skew:   skew,
		trust:  newCache(CacheLimits{Entries: r.Cache.Entries, Bytes: int64(r.Cache.Size)}),
		doubt:  newCache(CacheLimits{Entries: maxDoubt, Bytes: maxDoubt * 2 * entryCost}),
		log:    s.log, flights: map[string]*question{},
	}, nil
}

func (r *remote) sameRules(other config.AuthServer, skew time.Duration) bool {
	return r.skew == skew && reflect.DeepEqual(r.rules, rulesOf(other))
}

func (r *remote) name() string { return r.rules.Name }

// Introspect implements Introspector. A kept answer costs no allocation and no
// lock.
func (r *remote) Introspect(ctx context.Context, raw string, now time.Time) (*Token, error) {
	if err := checkOpaque(raw); err != nil {
		return nil, err
	}
	kept := r.trust.find(raw, nil, now)
	if kept != nil && now.UnixNano() < kept.fresh {
		return kept.token, nil
	}
	if no := r.doubt.find(raw, nil, now); no != nil {
		return nil, no.refusal
	}
	note(ctx)
	begun := time.Now()
	token, err := r.ask(ctx, raw)
	if kept != nil && (errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrBusy)) && kept.usable(now.Add(time.Since(begun))) {
		r.tally.stale.Add(1)
		return kept.token, nil
	}
	return token, err
}

// checkOpaque refuses what RFC 6750 2.1 does not allow as a token, unsent.
func checkOpaque(raw string) error {
	if len(raw) > maxToken {
		return fmt.Errorf("%w: %d bytes long", ErrMalformed, len(raw))
	}
	for i := range len(raw) {
		if c := raw[i]; !base64url[c] && !strings.Contains(".~+/=", string(rune(c))) {
			return fmt.Errorf("%w: character that no token has at byte %d", ErrMalformed, i)
		}
	}
	return nil
}

// ask waits for the answer to a question, which those who come while it is
// being asked share.
func (r *remote) ask(ctx context.Context, raw string) (*Token, error) {
	r.mu.Lock()
	q := r.flights[raw]
	if q == nil {
		raw = strings.Clone(raw) // the caller's memory is borrowed
		q = &question{done: make(chan struct{}), err: ErrNoAnswer}
		r.flights[raw] = q
		r.mu.Unlock()
		r.put(context.WithoutCancel(ctx), q, raw) // others may wait for it
		return q.token, q.err
	}
	r.mu.Unlock()
	select {
	case <-q.done:
		return q.token, q.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, context.Cause(ctx))
	}
}

// put asks a question and lets go those who wait for it, whatever happens.
func (r *remote) put(ctx context.Context, q *question, raw string) {
	defer func() {
		if p := recover(); p != nil {
			q.token, q.err = nil, fmt.Errorf("%w: panic while asking: a value of type %T", ErrNoAnswer, p)
		}
		r.mu.Lock()
		delete(r.flights, raw)
		r.mu.Unlock()
		close(q.done)
	}()
	if err := r.gate.enter(ctx); err != nil {
		q.err = err
		return
	}
	defer r.gate.leave()
	begun := time.Now()
	if until, ok := r.pause.begin(begun); !ok {
		q.err = fmt.Errorf("%w: it failed, and is asked again at %s", ErrNoAnswer, until.UTC().Format(time.RFC3339))
		return
	}
	// Until it is known better, in case of a panic, it has failed.
	err := ErrNoAnswer
	defer func() { r.settle(err, begun) }()
	token, cost, err := r.fetch(ctx, raw, begun)
	q.token, q.err = token, err
	r.keep(raw, &entry{token: token, refusal: err, cost: int64(cost)}, begun)
}

// fetch asks the authorization server.
func (r *remote) fetch(ctx context.Context, raw string, now time.Time) (*Token, int, error) {
	form, header := url.Values{"token": {raw}, "token_type_hint": {"access_token"}}, http.Header{}
	if err := r.client.sign(form, header, now); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	answer, err := r.http.Post(ctx, r.rules.Remote.Endpoint, form, header)
	var status *fetch.StatusError
	if errors.As(err, &status) && status.Status == http.StatusBadRequest {
		return nil, 0, fmt.Errorf("%w: the authorization server calls it a bad request", ErrMalformed)
	}
	if odd(err) {
		return nil, 0, fmt.Errorf("%w %w: %w", ErrNoAnswer, errOdd, err)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	token, cost, err := readAnswer(answer.Body, r.rules.Issuer.Value, now, r.skew)
	if errors.Is(err, ErrNoAnswer) {
		return nil, 0, fmt.Errorf("%w %w", err, errOdd)
	}
	if err != nil {
		return nil, 0, err
	}
	token.AuthServer = r.name()
	return token, cost, nil
}

// odd reports whether a question failed in a way in which a stranger's token
// could make it fail.
func odd(err error) bool {
	var status *fetch.StatusError
	if !errors.As(err, &status) {
		return errors.Is(err, fetch.ErrTooLarge)
	}
	switch status.Status {
	case http.StatusForbidden, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusInternalServerError:
		return true // one that is overloaded, or away behind its proxy, says 429 or 502 to 504
	}
	return false
}

// settle counts an outcome and tells the operator of a failure that is the
// authorization server's, once for each time it is asked in vain, and of one
// that may be a token's now and then.
func (r *remote) settle(err error, begun time.Time) {
	failed, now := errors.Is(err, ErrNoAnswer), time.Now()
	r.tally.record(err, failed, now.Sub(begun))
	server := zap.String("auth_server", r.name())
	if errors.Is(err, errOdd) {
		if r.pause.skip(); r.tally.telling(now) {
			r.log.Warn("introspection makes no sense", server, zap.Error(err))
		}
		return
	}
	next, recovered := r.pause.end(failed, now)
	switch {
	case !next.IsZero():
		r.log.Warn("introspection failed", server, zap.Error(err), zap.Time("next", next))
	case recovered:
		r.log.Info("introspection works again", server)
	}
}

// keep remembers an answer for the time that is configured for it.
func (r *remote) keep(raw string, e *entry, now time.Time) {
	limits := &r.rules.Remote.Cache
	switch {
	case errors.Is(e.refusal, ErrNoAnswer):
		return
	case e.refusal != nil:
		r.trust.drop(raw) // it must not serve when the server is away
		if span := limits.Inactive.Limit(); span > 0 && !errors.Is(e.refusal, ErrNotYetValid) {
			e.deadline = now.Add(span).UnixNano()
			r.doubt.add(raw, e)
		}
		return
	}
	span := limits.Active.Limit()
	if span == 0 {
		return
	}
	fresh, deadline := now.Add(span), now.Add(span+r.rules.Remote.Stale.Limit())
	if end := e.token.Expires; !end.IsZero() {
		fresh, deadline = earlier(fresh, end), earlier(deadline, end)
	}
	e.fresh, e.deadline = fresh.UnixNano(), deadline.UnixNano()
	r.trust.add(raw, e)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
