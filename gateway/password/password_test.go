package password_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"postern/gateway/metrics"
	"postern/gateway/password"
	"postern/provisioning/config"
)

const someHash = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" // of U*U

func stored(t testing.TB, text string) *password.Stored {
	t.Helper()
	s, err := password.Parse(config.NewSecret(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hashed(t testing.TB, text string, cost int) *password.Stored {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(text), cost)
	if err != nil {
		t.Fatal(err)
	}
	return stored(t, string(hash))
}

// defaults are those of the configuration.
func defaults() config.Passwords { return config.Default().Passwords }

// verifier is one with its metrics.
func verifier(cfg config.Passwords) (*password.Verifier, func(string) int) {
	m := metrics.New(metrics.Sources{})
	return password.NewVerifier(cfg, m), func(outcome string) int { return int(m.Password(outcome).Get()) }
}

func users(one ...any) *password.Users {
	byName := map[string]*password.Stored{}
	for i := 0; i < len(one); i += 2 {
		byName[one[i].(string)] = one[i+1].(*password.Stored)
	}
	return password.NewUsers(byName)
}

func shown(user, pass string) password.Shown {
	return password.Shown{User: []byte(user), Password: []byte(pass), Address: netip.MustParseAddr("192.0.2.1")}
}

// Known answers of other implementations: bcrypt's and Argon2's own test vectors.
func TestKnownAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, kept, shown string
		right             bool
	}{
		{"bcrypt 2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
		{"bcrypt 2b", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
		{"bcrypt 2y", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
		{"bcrypt, another", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V", false},
		{"argon2id", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password", true},
		{"argon2id, another", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "Password", false},
		{"argon2i", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password", true},
		{"argon2i, another", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "", false},
		{"in the clear", "open sesame", "open sesame", true},
		{"in the clear, another", "open sesame", "open sesam", false},
		{"the hash itself", someHash, someHash, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, _ := verifier(defaults())
			err := v.Check(users("alice", stored(t, tt.kept)), shown("alice", tt.shown), time.Now())
			if (err == nil) != tt.right || err != nil && !errors.Is(err, password.ErrWrong) {
				t.Errorf("got %v, want right %t", err, tt.right)
			}
		})
	}
}

// bcrypt looks at 72 bytes only, and reads its key around and around.
func TestWhatBcryptTakesForTheSame(t *testing.T) {
	long := strings.Repeat("a", 72)
	all := users("long", hashed(t, long, bcrypt.MinCost), "short", hashed(t, "abc", bcrypt.MinCost))
	for _, tt := range []struct {
		user, password string
		right          bool
	}{
		{"long", long, true},
		{"long", long + "b", false},
		{"long", long[:71], false},
		{"short", "abc", true},
		{"short", "abc\x00", false},
		{"short", "abc\x00abc", false},
	} {
		v, _ := verifier(defaults())
		if err := v.Check(all, shown(tt.user, tt.password), time.Now()); (err == nil) != tt.right {
			t.Errorf("%s with %q: %v, want right %t", tt.user, tt.password, err, tt.right)
		}
	}
}

func TestHashesThatCostTooMuchAreRefused(t *testing.T) {
	for _, text := range []string{
		"$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO",
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$argon2id$v=19$m=8388608,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967297,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=9999999999,t=9999999999,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=262144,t=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=65,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=1,p=255$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=16,t=1,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29t$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXP",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$" + strings.Repeat("CTFh", 30),
		"$argon2d$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$apr1$c29tZXNh$CTFhFdXPJO1aFaMaO6Mm5.", "$6$salt$hash", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{sha-256_v2}AAAA",
	} {
		if _, err := password.Parse(config.NewSecret(text)); err == nil {
			t.Errorf("%s is accepted", text)
		} else if strings.Contains(err.Error(), "CCCC") || strings.Contains(err.Error(), "c29t") || strings.Contains(err.Error(), "W6ph") {
			t.Errorf("%s: the error repeats it: %v", text, err)
		}
	}
	for _, text := range []string{"$ecret", "$", "{", "pa$$word", "{}", "a{sha}"} {
		if _, err := password.Parse(config.NewSecret(text)); err != nil {
			t.Errorf("%s in the clear: %v", text, err)
		}
	}
}

// Whether a user exists shows in nothing but the metrics: a hash of others is
// compared in its place.
func TestUnknownUsersCostTheSame(t *testing.T) {
	cfg := defaults()
	cfg.Verifications, cfg.MaxWait = 1, config.Duration(time.Millisecond)
	v, count := verifier(cfg)
	all := users("alice", hashed(t, "s3same", 8)) // slow enough to be met at work
	var busy, wrong sync.Map
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			err := v.Check(all, shown(fmt.Sprintf("nobody-%d", i), "s3same"), time.Now())
			if errors.Is(err, password.ErrBusy) {
				busy.Store(i, true)
			} else if errors.Is(err, password.ErrWrong) {
				wrong.Store(i, true)
			} else {
				t.Errorf("nobody: %v", err)
			}
		})
	}
	group.Wait()
	if count("busy") == 0 || count("unknown_user") == 0 || count("busy")+count("unknown_user") != 16 {
		t.Errorf("busy %d, unknown_user %d: nothing was computed for unknown users", count("busy"), count("unknown_user"))
	}
	right := v.Check(all, shown("alice", "s3same"), time.Now())
	if right != nil || count("accepted") != 1 {
		t.Errorf("alice afterwards: %v", right)
	}
	for range 3 { // what nobody showed is never remembered as right
		if err := v.Check(all, shown("nobody", "s3same"), time.Now()); !errors.Is(err, password.ErrWrong) {
			t.Errorf("nobody with the password of alice: %v", err)
		}
	}
	if err := v.Check(users(), shown("alice", ""), time.Now()); !errors.Is(err, password.ErrWrong) {
		t.Errorf("without any user: %v", err)
	}
}

func TestCache(t *testing.T) {
	now := time.Now()
	v, count := verifier(defaults())
	all := users("alice", hashed(t, "s3same", bcrypt.MinCost), "bob", hashed(t, "s3same", bcrypt.MinCost))
	check := func(u *password.Users, user, pass string, at time.Time, right bool, cached, accepted int) {
		t.Helper()
		err := v.Check(u, shown(user, pass), at)
		if (err == nil) != right || count("cached") != cached || count("accepted") != accepted {
			t.Errorf("%s: %v, cached %d, accepted %d; want right %t, %d, %d", user, err, count("cached"), count("accepted"), right, cached, accepted)
		}
	}
	check(all, "alice", "s3same", now, true, 0, 1)
	check(all, "alice", "s3same", now.Add(9*time.Minute), true, 1, 1)
	check(all, "bob", "s3same", now, true, 1, 2)
	check(all, "alice", "s3samf", now, false, 1, 2)
	check(all, "alice", "s3same", now.Add(10*time.Minute), true, 1, 3)
	other := users("alice", hashed(t, "another", bcrypt.MinCost))
	check(other, "alice", "s3same", now.Add(11*time.Minute), false, 1, 3)
	check(users("bob", hashed(t, "s3same", bcrypt.MinCost)), "alice", "s3same", now.Add(11*time.Minute), false, 1, 3)
	check(users("bob", hashed(t, "s3same", bcrypt.MinCost)), "bob", "s3same", now.Add(1*time.Minute), true, 1, 4)
	// user "a", password "bc" is not user "ab", password "c"
	all = users("a", stored(t, "bc"), "ab", stored(t, "bc"))
	check(all, "a", "bc", now, true, 1, 5)
	check(all, "ab", "c", now, false, 1, 5)
	none := defaults()
	none.Cache.TTL = config.None
	v, count = verifier(none)
	check(all, "a", "bc", now, true, 0, 1)
	check(all, "a", "bc", now, true, 0, 2)
}

// The cache stays within its bound, and what is in it is found.
func TestCacheIsBounded(t *testing.T) {
	cfg := defaults()
	cfg.Cache.Entries = 16
	v, count := verifier(cfg)
	byName := map[string]*password.Stored{}
	for i := range 200 {
		byName[fmt.Sprint("u", i)] = stored(t, "p")
	}
	all, now := password.NewUsers(byName), time.Now()
	for range 2 {
		for i := range 200 {
			if err := v.Check(all, shown(fmt.Sprint("u", i), "p"), now); err != nil {
				t.Fatal(err)
			}
		}
	}
	if hits := count("cached"); hits > 16 {
		t.Errorf("%d hits of a cache of 16", hits)
	}
	before := count("cached")
	if err := v.Check(all, shown("u199", "p"), now); err != nil || count("cached") != before+1 {
		t.Errorf("the last one is not remembered: %v", err)
	}
}

func TestGuessing(t *testing.T) {
	now := time.Now()
	v, count := verifier(defaults())
	all := users("alice", stored(t, "s3same"))
	elsewhere := shown("alice", "s3same")
	elsewhere.Address = netip.MustParseAddr("198.51.100.7")
	for i := range 5 {
		if err := v.Check(all, shown("alice", fmt.Sprint("guess", i)), now); !errors.Is(err, password.ErrWrong) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	var pause *password.Pause
	if err := v.Check(all, shown("alice", "s3same"), now.Add(time.Second)); !errors.As(err, &pause) || pause.Left != 29*time.Second {
		t.Errorf("after 5 guesses: %v", err)
	}
	if err := v.Check(all, shown("bob", "x"), now); !errors.Is(err, password.ErrWrong) {
		t.Errorf("another user from there: %v", err)
	}
	if err := v.Check(all, elsewhere, now); err != nil {
		t.Errorf("the user from elsewhere: %v", err)
	}
	// A cached password is no way around.
	if err := v.Check(all, shown("alice", "s3same"), now.Add(29*time.Second)); !errors.As(err, &pause) {
		t.Errorf("a password that is known to be right: %v", err)
	}
	if err := v.Check(all, shown("alice", "s3same"), now.Add(30*time.Second)); err != nil {
		t.Errorf("after the pause: %v", err)
	}
	if count("pausing") != 2 || count("wrong") != 5 || count("unknown_user") != 1 {
		t.Errorf("pausing %d, wrong %d, unknown %d", count("pausing"), count("wrong"), count("unknown_user"))
	}
	none := defaults()
	none.Pause = config.None
	v, _ = verifier(none)
	for range 20 {
		if err := v.Check(all, shown("alice", "x"), now); !errors.Is(err, password.ErrWrong) {
			t.Errorf("without pauses: %v", err)
		}
	}
}

// A password that is right ends the count, and failures long ago do not count.
func TestSlipsAreForgotten(t *testing.T) {
	now := time.Now()
	v, _ := verifier(defaults())
	all := users("alice", stored(t, "s3same"))
	for range 3 {
		for i := range 4 {
			if err := v.Check(all, shown("alice", fmt.Sprint(i)), now); !errors.Is(err, password.ErrWrong) {
				t.Fatal(err)
			}
		}
		now = now.Add(11 * time.Minute) // the cached one is too old too
		if err := v.Check(all, shown("alice", "s3same"), now); err != nil {
			t.Fatal(err)
		}
	}
}

// Many guesses at once are no more than a few after one another, from all
// addresses of an IPv6 network together.
func TestGuessesAtOnce(t *testing.T) {
	cfg := defaults()
	cfg.Verifications, cfg.MaxWait = 4, config.Duration(time.Minute)
	v, count := verifier(cfg)
	all := users("alice", hashed(t, "s3same", bcrypt.MinCost))
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			guess := shown("alice", fmt.Sprint("guess", i))
			guess.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i))
			if err := v.Check(all, guess, time.Now()); err == nil {
				t.Error("a guess was right")
			}
		})
	}
	group.Wait()
	if count("wrong") != 5 || count("pausing") != 45 {
		t.Errorf("%d guesses were judged, %d were not", count("wrong"), count("pausing"))
	}
}

// What one caller shows many times at once, before it is known, is computed once.
func TestSameAtOnce(t *testing.T) {
	cfg := defaults()
	cfg.Verifications, cfg.MaxWait = 1, config.Duration(time.Minute)
	v, count := verifier(cfg)
	all := users("alice", hashed(t, "s3same", 8))
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if err := v.Check(all, shown("alice", "s3same"), time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if count("cached")+count("accepted") != 100 {
		t.Errorf("cached %d, accepted %d", count("cached"), count("accepted"))
	}
}

// Thousands who guess take no more memory, and do not make the gateway forget
// one who guesses now.
func TestGuardIsBounded(t *testing.T) {
	now := time.Now()
	v, _ := verifier(defaults())
	all := users("alice", stored(t, "s3same"))
	for i := range 50_000 {
		_ = v.Check(all, shown(fmt.Sprint("nobody", i), "x"), now)
	}
	for i := range 5 {
		_ = v.Check(all, shown("alice", fmt.Sprint(i)), now.Add(time.Second))
	}
	var pause *password.Pause
	if err := v.Check(all, shown("alice", "s3same"), now.Add(time.Second)); !errors.As(err, &pause) {
		t.Errorf("after 5 guesses: %v", err)
	}
}

func TestTooLong(t *testing.T) {
	v, _ := verifier(defaults())
	all := users("alice", stored(t, strings.Repeat("x", 1019)))
	if err := v.Check(all, shown("alice", strings.Repeat("x", 1019)), time.Now()); err != nil {
		t.Errorf("1024 bytes: %v", err)
	}
	if err := v.Check(all, shown("alice", strings.Repeat("x", 1020)), time.Now()); !errors.Is(err, password.ErrWrong) {
		t.Errorf("1025 bytes: %v", err)
	}
}

// A user that does not exist takes as long after a reload as before: only what
// does not exist would change.
func TestDecoysOutliveReloads(t *testing.T) {
	byName := map[string]*password.Stored{}
	for i := range 16 {
		byName[fmt.Sprint("fast-", i)], byName[fmt.Sprint("slow-", i)] = stored(t, "in the clear"), stored(t, someHash)
	}
	cfg := defaults()
	cfg.Verifications = 0 // slow ones are told from others by that
	v, _ := verifier(cfg)
	before, after := password.NewUsers(byName), password.NewUsers(byName)
	for i := range 64 {
		nobody := shown(fmt.Sprint("nobody-", i), "x")
		first, second := v.Check(before, nobody, time.Now()), v.Check(after, nobody, time.Now())
		if errors.Is(first, password.ErrBusy) != errors.Is(second, password.ErrBusy) {
			t.Errorf("nobody-%d: %v, then %v", i, first, second)
		}
	}
}
