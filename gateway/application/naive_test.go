package application_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"postern/gateway/application"
	"postern/gateway/claim"
	"postern/provisioning/config"
)

// naive asks every application in turn.
func naive(applications []config.Application, server string, claims map[string]any) (name string, want error) {
	found, suspended := map[string]bool{}, false
	for _, a := range applications {
		if !takes(a, server) || !holdsOne(a.Identify.Claims, claims) {
			continue
		}
		if a.Suspended {
			suspended = true
			continue
		}
		found[a.Name], name = true, a.Name
	}
	switch {
	case len(found) == 1:
		return name, nil
	case len(found) > 1:
		return "", application.ErrSeveral
	case suspended:
		return "", application.ErrSuspended
	}
	return "", application.ErrNone
}

func takes(a config.Application, server string) bool {
	if len(a.JWT) == 0 {
		return true
	}
	for _, s := range a.JWT {
		if s.AuthServer == server {
			return true
		}
	}
	return false
}

func holdsOne(sets []config.ClaimSet, claims map[string]any) bool {
	for _, set := range sets {
		all := true
		for _, c := range set {
			v, ok := claim.Parse(c.Claim).Find(claims)
			all = all && ok && claim.Contains(v, c.Value)
		}
		if all {
			return true
		}
	}
	return false
}

// arbitrary makes applications and claims out of few words, so that they meet.
type arbitrary struct{ *rand.Rand }

func (r arbitrary) of(words ...string) string { return words[r.IntN(len(words))] }

func (r arbitrary) path() string {
	return r.of("a", "b", "c", "a.b", "a.c", "b.0", "b.1", "/a/b", "/c", "a.b.c", "b.-1", "b.01")
}

func (r arbitrary) applications() (list []config.Application) {
	for i := range 1 + r.IntN(12) {
		a := config.Application{Name: fmt.Sprint("app-", i), ID: fmt.Sprint("id-app-", i), Suspended: r.IntN(8) == 0}
		for range r.IntN(4) {
			var s config.ClaimSet
			for range 1 + r.IntN(3) {
				s = append(s, config.ClaimValue{Claim: r.path(), Value: r.of("x", "y", "z", "1", "true")})
			}
			a.Identify.Claims = append(a.Identify.Claims, s)
		}
		if r.IntN(4) == 0 {
			a.JWT = []config.Strategy{{AuthServer: r.of("corp", "home")}}
		}
		list = append(list, a)
	}
	return list
}

func (r arbitrary) value(depth int) string {
	kind := r.IntN(8)
	if depth > 2 {
		kind %= 5
	}
	switch kind {
	case 0, 1:
		return `"` + r.of("x", "y", "z") + `"`
	case 2:
		return r.of("1", "2", "1.0")
	case 3:
		return r.of("true", "false", "null")
	case 4:
		return `"` + r.of("x", "1", "true") + `"`
	case 5:
		items := make([]string, r.IntN(4))
		for i := range items {
			items[i] = r.value(depth + 1)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return r.object(depth + 1)
}

func (r arbitrary) object(depth int) string {
	var members []string
	for _, name := range []string{"a", "b", "c", "d", "0"} {
		if r.IntN(2) == 0 {
			members = append(members, fmt.Sprintf("%q:%s", name, r.value(depth)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// compare finds with the index and without it.
func compare(t *testing.T, applications []config.Application, server string, claims map[string]any) {
	t.Helper()
	want, wantErr := naive(applications, server, claims)
	got, err := index(applications...).Find(server, claims)
	if !errors.Is(err, wantErr) || err == nil && got.Name != want {
		text, _ := json.Marshal(claims)
		t.Fatalf("found %+v, %v; want %q, %v\n%s\n%+v", got, err, want, wantErr, text, applications)
	}
}

func TestIndexFindsWhatAskingEachDoes(t *testing.T) {
	for seed := range uint64(20000) {
		r := arbitrary{rand.New(rand.NewPCG(seed, 1))}
		compare(t, r.applications(), r.of("corp", "home"), claims(t, r.object(0)))
	}
}

func FuzzFind(f *testing.F) {
	f.Add(uint64(1), `{"a":"x","b":["y",1,true]}`)
	f.Add(uint64(2), `{"a":{"b":{"c":"x"},"c":"y"},"b":["x","y"],"c":"z"}`)
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var c map[string]any
		if err := d.Decode(&c); err != nil || len(text) > 4096 {
			return
		}
		r := arbitrary{rand.New(rand.NewPCG(seed, 1))}
		compare(t, r.applications(), r.of("corp", "home"), c)
	})
}
