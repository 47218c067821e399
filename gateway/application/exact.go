package application

import (
	"crypto/sha256"
	"time"
)

// exact finds applications by what is theirs alone. Keys are looked up by their
// digest: how long that takes tells nothing of a key.
type exact struct {
	keys         map[[sha256.Size]byte]*Application
	certificates map[string]holder
	users        map[string][]*Application
}

// holder is whose a certificate is.
type holder struct {
	*Application
	certificate
}

func newExact(applications []*Application) exact {
	e := exact{keys: map[[sha256.Size]byte]*Application{}, certificates: map[string]holder{}, users: map[string][]*Application{}}
	for _, a := range applications {
		for _, key := range a.keys {
			e.keys[key.Digest()] = a
		}
		for _, user := range a.users {
			e.users[user] = append(e.users[user], a)
		}
		for _, c := range a.certificates {
			e.certificates[c.thumbprint] = holder{a, c}
		}
	}
	return e
}

// ByKey returns the application with an API key of this digest, as a list that
// is not to be changed; empty when there is none.
func (x *Index) ByKey(digest *[sha256.Size]byte) []*Application { return x.exact.keys[*digest].Alone() }

// ByCertificate returns the application whose callers show the certificate of a
// thumbprint (x5t#S256), likewise, and whether the certificate is valid now.
func (x *Index) ByCertificate(thumbprint string, now time.Time) (list []*Application, valid bool) {
	h := x.exact.certificates[thumbprint]
	return h.Application.Alone(), !now.Before(h.since) && !now.After(h.till)
}

// ByUser returns the applications whose callers show that they are a user,
// likewise.
func (x *Index) ByUser(name string) []*Application { return x.exact.users[name] }
