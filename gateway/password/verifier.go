package password

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// Why a password is not good.
var (
	// ErrWrong: it is another one, or nobody's.
	ErrWrong = errors.New("user or password is wrong")
	// ErrBusy: too many passwords are being verified.
	ErrBusy = errors.New("too many passwords at once")
	// ErrPausing: its user and address have guessed too often; see Pause.
	ErrPausing = errors.New("too many wrong passwords for this user from this address")
)

// Pause is the error of a caller that has guessed too often.
type Pause struct{ Left time.Duration }

// Error is for the log.
func (p *Pause) Error() string {
	return fmt.Sprintf("%v; it must pause for %s", ErrPausing, p.Left.Round(time.Second))
}

// Unwrap is ErrPausing.
func (*Pause) Unwrap() error { return ErrPausing }

// Shown is what a caller shows. It is not kept.
type Shown struct {
	User, Password []byte
	Address        netip.Addr
}

// MaxShown is how long user and password may be, together.
const MaxShown = 1024

// Users are passwords by their users' names; immutable.
type Users struct {
	byName map[string]*Stored
	all    []*Stored
}

// NewUsers are users with the passwords that are kept of them.
func NewUsers(byName map[string]*Stored) *Users {
	u := &Users{byName: byName}
	for _, name := range slices.Sorted(maps.Keys(byName)) { // a decoy stays the same over reloads
		u.all = append(u.all, byName[name])
	}
	return u
}

// Verifier judges passwords. It is safe for concurrent use, and outlives
// reloads: what it remembers is of no use once a password has changed.
type Verifier struct {
	key    [32]byte
	gate   *gate
	cache  *cache
	guard  *guard
	flight singleflight.Group
	counts counts
}

type counts struct{ cached, accepted, wrong, unknown, busy, pausing *metrics.Counter }

// NewVerifier makes one that starts nothing.
func NewVerifier(cfg config.Passwords, m *metrics.Instruments) *Verifier {
	v := &Verifier{
		gate:  newGate(cfg.Verifications, time.Duration(cfg.MaxWait)),
		cache: newCache(cfg.Cache.Entries, time.Duration(cfg.Cache.TTL)),
		guard: newGuard(cfg.Failures, time.Duration(cfg.Pause)),
		counts: counts{
			m.Password("cached"), m.Password("accepted"), m.Password("wrong"), m.Password("unknown_user"), m.Password("busy"), m.Password("pausing"),
		},
	}
	_, _ = rand.Read(v.key[:]) // it never fails
	return v
}

// Check judges what a caller shows. The error is ErrWrong, ErrBusy or a *Pause.
// A password that was right a while ago costs next to nothing and no memory.
func (v *Verifier) Check(users *Users, shown Shown, now time.Time) error {
	if len(shown.User)+len(shown.Password) > MaxShown {
		v.counts.wrong.Inc()
		return ErrWrong
	}
	if !v.guard.quiet(now) {
		who := v.who(shown)
		if left := v.guard.left(&who, now); left > 0 {
			v.counts.pausing.Inc()
			return &Pause{left}
		}
	}
	stored, known := users.byName[string(shown.User)]
	if !known {
		stored = v.decoy(users, shown.User)
	}
	what := v.fingerprint(stored, known, shown)
	if known && v.cache.holds(&what, now) {
		v.counts.cached.Inc()
		return nil
	}
	// A copy, so that what is shown stays where it is as long as it is not needed.
	return v.verify(attempt{stored, known, bytes.Clone(shown.Password), v.who(shown), what}, now)
}

// decoy is what is compared for a user that does not exist, always the same for
// one name: so it takes as long as that of a user that does.
func (v *Verifier) decoy(users *Users, name []byte) *Stored {
	if len(users.all) == 0 {
		return &Stored{}
	}
	who := v.who(Shown{User: name})
	return users.all[who.number()%uint64(len(users.all))]
}

// who is a user from an address; of IPv6 it is the network that counts.
func (v *Verifier) who(shown Shown) fingerprint {
	address := shown.Address.Unmap()
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			address = network.Addr()
		}
	}
	raw := address.As16()
	var buffer [len(v.key) + len(raw) + MaxShown]byte
	text := append(append(append(buffer[:0], v.key[:]...), raw[:]...), shown.User...)
	return sha256.Sum256(text)
}

// fingerprint of what a caller shows and what it is compared with. Each part has
// a length of its own, so that no two are the same text.
func (v *Verifier) fingerprint(stored *Stored, known bool, shown Shown) fingerprint {
	var buffer [len(v.key) + sha256.Size + 5 + MaxShown]byte
	text := append(append(buffer[:0], v.key[:]...), stored.id[:]...)
	if known {
		text = append(text, 1)
	} else {
		text = append(text, 0)
	}
	text = binary.BigEndian.AppendUint32(text, uint32(len(shown.User)))
	text = append(append(text, shown.User...), shown.Password...)
	return sha256.Sum256(text)
}

// attempt is one that has to be verified.
type attempt struct {
	stored    *Stored
	known     bool
	password  []byte
	who, what fingerprint
}

// verify compares. What one caller shows several times at once is compared once.
func (v *Verifier) verify(a attempt, now time.Time) error {
	key := string(append(a.who[:], a.what[:]...))
	_, err, _ := v.flight.Do(key, func() (any, error) {
		if left := v.guard.begin(&a.who, now); left > 0 {
			return nil, &Pause{left}
		}
		right, err := v.compare(a)
		switch {
		case err != nil:
			v.guard.undecided(&a.who)
		case right:
			v.guard.succeeded(&a.who)
			v.cache.add(&a.what, now)
		default:
			v.guard.failed(now)
			err = ErrWrong
		}
		return nil, err
	})
	v.count(err, a.known)
	return err
}

func (v *Verifier) compare(a attempt) (right bool, err error) {
	if a.stored.slow() {
		if !v.gate.enter() {
			return false, ErrBusy
		}
		defer v.gate.leave()
	}
	return a.stored.matches(a.password) && a.known, nil
}

func (v *Verifier) count(err error, known bool) {
	switch {
	case err == nil:
		v.counts.accepted.Inc()
	case errors.Is(err, ErrBusy):
		v.counts.busy.Inc()
	case errors.Is(err, ErrPausing):
		v.counts.pausing.Inc()
	case known:
		v.counts.wrong.Inc()
	default:
		v.counts.unknown.Inc()
	}
}
