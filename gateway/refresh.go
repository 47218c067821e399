package gateway

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"postern/gateway/admin"
)

// refreshes fetches keys when an operator asks for it, so seldom that nobody can
// hammer an issuer through this gateway.
type refreshes struct {
	gateway *Gateway

	mu   sync.Mutex
	last map[string]time.Time // by auth server; younger than admin.RefreshPause
}

// run fetches the keys of an auth server and returns how it stands. Errors are
// those of admin, or why the fetch failed.
func (r *refreshes) run(ctx context.Context, authServer string) (any, error) {
	n := r.gateway.live.Load()
	if n == nil || !n.tokens.Has(authServer) {
		return nil, admin.ErrNoAuthServer
	}
	if !r.begin(authServer, time.Now()) {
		return nil, admin.ErrTooSoon
	}
	if err := n.tokens.Refresh(ctx, authServer); err != nil {
		return nil, err
	}
	for _, status := range n.tokens.Status() {
		if status.Name == authServer {
			return status, nil
		}
	}
	return nil, errors.New("the auth server has no status")
}

// begin reports whether keys may be fetched now, and notes that they are.
func (r *refreshes) begin(authServer string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.last, func(_ string, at time.Time) bool { return now.Sub(at) >= admin.RefreshPause })
	if _, recent := r.last[authServer]; recent {
		return false
	}
	if r.last == nil {
		r.last = map[string]time.Time{}
	}
	r.last[authServer] = now
	return true
}
