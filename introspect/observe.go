package introspect

import (
	"context"
	"time"
)

// Fetch is one attempt to fetch the keys of an auth server.
type Fetch struct {
	Server  string // its name
	Address string // without user information and query
	Begun   time.Time
	Ended   time.Time
	Err     error // nil: it succeeded
}

// Observe lets f know of each fetch of this set, after it ended. It must
// precede Start; f is called by several goroutines, and must not wait.
func (s *Set) Observe(f func(Fetch)) { s.observe = f }

// observed tells of a fetch that has just ended.
func (k *keySet) observed(begun time.Time, err error) {
	if observe := k.caring().observe; observe != nil {
		observe(Fetch{Server: k.source.server, Address: k.source.String(), Begun: begun, Ended: time.Now(), Err: err})
	}
}

// Noting returns a context with which Introspect tells whether it had to judge
// the token anew, for the cache did not know it: then it sets *judged.
func Noting(ctx context.Context, judged *bool) context.Context {
	return context.WithValue(ctx, noting{}, judged)
}

type noting struct{}

// note costs a known token nothing: it is called for others only.
func note(ctx context.Context) {
	if judged, ok := ctx.Value(noting{}).(*bool); ok {
		*judged = true
	}
}
