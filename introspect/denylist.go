package introspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

// ErrRevoked: the token, or whom it speaks for, is on the denylist. ErrDenylist:
// there is no denylist that is young enough to tell.
var (
	ErrRevoked  = errors.New("token is on the denylist")
	ErrDenylist = errors.New("no usable denylist")
)

// maxDenylist bounds a denylist that is fetched.
const maxDenylist = 16 << 20

// deniedClaims are the claims by which a token can be denied.
var deniedClaims = [...]string{"jti", "sub", "sid", "client_id"}

// Denylist is what must no longer be believed although its signature is good.
// One from a file is complete from the start; one from an address is fetched by
// one goroutine, from start to end. Safe for concurrent use.
type Denylist struct {
	rules   config.Denylist
	client  *fetch.Client
	current atomic.Pointer[denied]
	fetched atomic.Int64 // Unix nanoseconds of the last good fetch; MaxInt64: never stale

	mu    sync.Mutex // guards what follows
	owner *Set       // may end it
	stop  func()     // ends the goroutine; nil: none runs
	err   error      // of the last fetch
}

// newDenylist reads the denylist of a file. The path of a fault is relative to
// the section.
func newDenylist(cfg *config.Denylist, transport http.RoundTripper) (*Denylist, *config.Fault) {
	d := &Denylist{rules: *cfg}
	if cfg.File.IsZero() {
		d.client = fetch.New(fetch.Options{AllowHTTP: cfg.AllowHTTP, Transport: transport, MaxBody: maxDenylist})
		return d, nil
	}
	list, err := parseDenied(cfg.File.Data)
	if err != nil {
		return nil, &config.Fault{Path: []any{"file"}, Message: err.Error()}
	}
	d.current.Store(list)
	d.fetched.Store(math.MaxInt64)
	return d, nil
}

func (d *Denylist) same(cfg *config.Denylist) bool { return reflect.DeepEqual(d.rules, *cfg) }

// Check returns ErrRevoked for a token that is denied, and ErrDenylist when that
// cannot be told and must be. It allocates nothing for a token that may pass.
func (d *Denylist) Check(t *Token, now time.Time) error {
	if d == nil {
		return nil
	}
	if d.rules.OnUnavailable != "allow" && !d.fresh(now) {
		return ErrDenylist
	}
	list := d.current.Load()
	if list == nil {
		return nil
	}
	return list.check(t)
}

func (d *Denylist) fresh(now time.Time) bool {
	fetched := d.fetched.Load()
	return fetched == math.MaxInt64 || fetched != 0 && now.UnixNano()-fetched <= int64(d.rules.MaxStale)
}

// denied is the content of a denylist; immutable.
type denied struct {
	by      [len(deniedClaims)]map[string][]rule
	entries int
	etag    string
}

// rule is what an entry wants besides the claim under which it is found.
type rule struct {
	issuer string // "": of any
	others [len(deniedClaims)]string
}

func (l *denied) check(t *Token) error {
	for i := range deniedClaims {
		if len(l.by[i]) == 0 {
			continue
		}
		value := t.denied(i)
		if value == "" {
			continue
		}
		for _, r := range l.by[i][value] {
			if r.matches(t) {
				return fmt.Errorf("%w: %s %.256q", ErrRevoked, deniedClaims[i], value)
			}
		}
	}
	return nil
}

// denied is the claim of a token that the i-th of deniedClaims means. Many
// issuers name the client by azp alone, and some claims are numbers to them.
func (t *Token) denied(i int) string {
	claim := deniedClaims[i]
	if claim == "sub" {
		return t.Subject
	}
	value, present := t.Claims[claim]
	if !present && claim == "client_id" {
		value = t.Claims["azp"]
	}
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	}
	return ""
}

func (r *rule) matches(t *Token) bool {
	if r.issuer != "" && r.issuer != t.Issuer {
		return false
	}
	for i, want := range r.others {
		if want != "" && want != t.denied(i) {
			return false
		}
	}
	return true
}

// parseDenied reads {"denied":[{"jti":"…"},{"iss":"…","sub":"…"}]}. All members
// of an entry must be a token's; one that could never match is a fault, since
// whoever wrote it meant to deny something.
func parseDenied(text []byte) (*denied, error) {
	object, _, err := parseObject(string(text))
	if err != nil {
		return nil, fmt.Errorf("parse denylist: %w", err)
	}
	entries, ok := object["denied"].([]any)
	if !ok || len(object) != 1 {
		return nil, errors.New(`denylist is not of the form {"denied":[{"jti":"..."}]}`)
	}
	list := &denied{entries: len(entries)}
	for i := range list.by {
		list.by[i] = map[string][]rule{}
	}
	for n, entry := range entries {
		if err := list.add(entry); err != nil {
			return nil, fmt.Errorf("denied[%d]: %w", n, err)
		}
	}
	return list, nil
}

func (l *denied) add(entry any) error {
	members, _ := entry.(map[string]any)
	var r rule
	first := -1
	for i, claim := range deniedClaims {
		value, present := members[claim]
		if !present {
			continue
		}
		text, _ := value.(string)
		if text == "" {
			return fmt.Errorf("%s is not a text", claim)
		}
		if r.others[i] = text; first < 0 {
			first = i
		}
	}
	if first < 0 {
		return errors.New("has none of jti, sub, sid and client_id")
	}
	for name, value := range members {
		issuer, _ := value.(string)
		switch {
		case name == "iss" && issuer != "":
			r.issuer = issuer
		case name == "jti" || name == "sub" || name == "sid" || name == "client_id":
		default:
			return fmt.Errorf("%.64q is not one of iss, jti, sub, sid and client_id with a text", name)
		}
	}
	value := r.others[first]
	r.others[first] = ""
	l.by[first][value] = append(l.by[first][value], r)
	return nil
}

// start makes s the owner and has the list fetched, unless it already is.
func (d *Denylist) start(s *Set, log *zap.Logger) {
	if d == nil || d.client == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owner = s
	if d.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.keep(ctx, log)
	}()
	d.stop = func() {
		cancel()
		<-ended
	}
}

// end stops fetching if s is still the owner.
func (d *Denylist) end(s *Set) {
	if d == nil {
		return
	}
	d.mu.Lock()
	stop := d.stop
	if d.owner != s || stop == nil {
		d.mu.Unlock()
		return
	}
	d.stop = nil
	d.mu.Unlock()
	stop()
	d.client.Close()
}

// keep fetches the list again and again, until ctx ends.
func (d *Denylist) keep(ctx context.Context, log *zap.Logger) {
	for failed := 0; ; {
		err := d.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		poll := time.Duration(d.rules.Poll)
		wait := pause(-1, poll)
		switch {
		case err != nil:
			wait = min(backoff(failed), poll)
			failed++
			log.Warn("denylist not refreshed", zap.String("address", fetch.Redact(d.rules.URL)), zap.Error(err), zap.Duration("again_in", wait))
		case failed > 0:
			failed = 0
			log.Info("denylist is fetched again", zap.String("address", fetch.Redact(d.rules.URL)))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// fetch reads the list once more.
func (d *Denylist) fetch(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // what a stranger sends must not end the process
			err = fmt.Errorf("panic while fetching: %v", p)
		}
		d.mu.Lock()
		d.err = err
		d.mu.Unlock()
	}()
	etag := ""
	if known := d.current.Load(); known != nil {
		etag = known.etag
	}
	answer, err := d.client.Get(ctx, d.rules.URL, etag)
	if err != nil {
		return err
	}
	if !answer.NotModified {
		list, err := parseDenied(answer.Body)
		if err != nil {
			return fmt.Errorf("%s: %w", fetch.Redact(d.rules.URL), err)
		}
		list.etag = answer.ETag
		d.current.Store(list)
	}
	d.fetched.Store(time.Now().UnixNano())
	return nil
}

// DenylistStatus is how the denylist stands.
type DenylistStatus struct {
	Source    string    `json:"source"` // address or file
	Entries   int       `json:"entries"`
	Usable    bool      `json:"usable"`           // there is one, and it is not too old
	Fetched   time.Time `json:"fetched,omitzero"` // last good fetch; zero: never, or a file
	LastError string    `json:"last_error,omitempty"`
}

// Status is how the denylist stands; nil when there is none.
func (d *Denylist) Status() *DenylistStatus {
	if d == nil {
		return nil
	}
	s := &DenylistStatus{Source: d.rules.File.Path, Usable: d.fresh(time.Now())}
	if d.client != nil {
		s.Source = fetch.Redact(d.rules.URL)
	}
	if list := d.current.Load(); list != nil {
		s.Entries = list.entries
	}
	if fetched := d.fetched.Load(); fetched != 0 && fetched != math.MaxInt64 {
		s.Fetched = time.Unix(0, fetched)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		s.LastError = d.err.Error()
	}
	return s
}
