package gateway

import (
	"postern/gateway/password"
	"postern/gateway/policy/identify"
	"postern/provisioning/config"
)

// passwords are the users who can show a password, those of applications
// included. They are gathered when a policy first asks for them.
func (b *builder) passwords() (identify.Passwords, error) {
	if b.accounts.Verifier != nil {
		return b.accounts, nil
	}
	byName, kept := map[string]*config.User{}, map[string]*password.Stored{}
	add := func(u *config.User, secret config.Secret) error {
		stored, err := password.Parse(secret)
		byName[u.Name], kept[u.Name] = u, stored
		return err
	}
	for _, u := range b.users {
		if u.Password.IsZero() {
			continue
		}
		if err := add(u, u.Password); err != nil {
			return b.accounts, err
		}
	}
	for i := range b.config.Applications {
		for _, own := range b.config.Applications[i].Identify.Basic {
			if own.Password.IsZero() {
				continue
			}
			u := b.users[own.User]
			if u == nil {
				u = &config.User{Name: own.User}
			}
			if err := add(u, own.Password); err != nil {
				return b.accounts, err
			}
		}
	}
	b.next.passwords = b.verifier()
	b.accounts = identify.Passwords{Verifier: b.next.passwords, Users: password.NewUsers(kept), ByName: byName}
	return b.accounts, nil
}

// verifier is that of the previous generation while its section is unchanged.
// What it remembers of passwords that have changed is of no use to anybody.
func (b *builder) verifier() *password.Verifier {
	if p := b.previous; p != nil && p.passwords != nil && p.config.Passwords == b.config.Passwords {
		return p.passwords
	}
	return password.NewVerifier(b.config.Passwords, b.gateway.metrics)
}
