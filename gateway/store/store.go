package store

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/metrics"
	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

// ErrAway says that the store cannot be asked: it is not connected, or all its
// connections were busy.
var ErrAway = errors.New("store is away")

// Options are what a Store needs of its surroundings.
type Options struct {
	// Previous is the store whose section this one's replaces. What it has seen of
	// counters is known to this one, too, if both mean the same; nil: none.
	Previous *Store
	Counts   *metrics.Store
	Log      *zap.Logger
}

// Store asks one Redis. It is safe for concurrent use.
type Store struct {
	cfg     config.Redis
	tls     *tls.Config // nil: plain
	timeout time.Duration
	counts  *metrics.Store
	log     *zap.Logger
	scripts scripts
	seen    *seen

	live   atomic.Pointer[session] // nil: away
	offset atomic.Int64            // of the clock of Redis to this one, nanoseconds
	born   int64                   // since when Redis remembers, as it says; the keeper's

	stop func()
	done chan struct{}

	mu     sync.Mutex
	status Status
}

// Status is how a store stands. It holds no secret.
type Status struct {
	Address     string    `json:"address"`
	State       string    `json:"state"`       // one of the constants
	Since       time.Time `json:"since"`       // that it is in this state
	Connections int       `json:"connections"` // that are open
	LastError   string    `json:"last_error,omitempty"`
}

// The states of a store: not yet connected; connected; no more; and connected to
// a Redis that has lost its memory, while copies tell it what they know. Only
// one that is up can be asked.
const (
	Connecting = "connecting"
	Up         = "up"
	Away       = "away"
	Settling   = "settling"
)

// New makes a store that is away until Start. It opens nothing. The error is
// config.Faults with paths relative to cfg.
func New(cfg config.Redis, o Options) (*Store, error) {
	s := &Store{
		cfg: cfg, timeout: cfg.Timeout.Limit(), counts: o.Counts, log: o.Log, scripts: newScripts(), seen: newSeen(cfg.Remember),
		status: Status{Address: cfg.Address, State: Connecting, Since: time.Now()},
	}
	if p := o.Previous; p != nil && p.cfg.Address == cfg.Address && p.cfg.DB == cfg.DB && p.cfg.Prefix == cfg.Prefix && p.cfg.Remember == cfg.Remember {
		s.seen = p.seen
	}
	if cfg.TLS != nil {
		secure, err := fetch.TLS(cfg.TLS)
		if err != nil {
			return nil, config.Below(err, "tls")
		}
		if secure.ServerName == "" {
			secure.ServerName = cfg.Host()
		}
		secure.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		s.tls = secure
	}
	return s, nil
}

// Start connects, and keeps connected until Close. It does not wait.
func (s *Store) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop, s.done = cancel, make(chan struct{})
	go s.keep(ctx)
}

// Close ends all connections of a store that was started. Who asks afterwards
// is told that it is away.
func (s *Store) Close() {
	s.stop()
	<-s.done
}

// Status tells how the store stands.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.status
	if n := s.live.Load(); n != nil {
		told.Connections = int(n.open.Load())
	}
	return told
}

// turn changes the state, and says so once. A nil cause keeps the last error.
func (s *Store) turn(state string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cause != nil {
		s.status.LastError = s.text(cause)
	}
	if s.status.State == state {
		return
	}
	s.status.State, s.status.Since = state, time.Now()
	switch state {
	case Up:
		s.status.LastError = ""
		s.log.Info("store is up")
	case Settling:
		s.log.Warn("store is new, or has lost its memory: its copies tell it what they know")
	case Away:
		s.log.Warn("store is away", zap.String("error", s.status.LastError))
	}
}

// maxText bounds what is shown of an error: the server chose its words.
const maxText = 200

// text is what an error says, without the password: old servers repeat what
// they did not understand.
func (s *Store) text(err error) string {
	text := err.Error()
	if secret := s.cfg.Password.Reveal(); secret != "" {
		text = strings.ReplaceAll(text, secret, "***")
	}
	text = strings.ToValidUTF8(text, "?")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
