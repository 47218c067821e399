package password_test

import (
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"postern/provisioning/config"
)

func BenchmarkCached(b *testing.B) {
	v, _ := verifier(defaults())
	all, one, now := users("alice", hashed(b, "s3same", bcrypt.MinCost)), shown("alice", "s3same"), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Check(all, one, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBcrypt12(b *testing.B) {
	cfg := defaults()
	cfg.Cache.TTL = config.None
	v, _ := verifier(cfg)
	all, one, now := users("alice", hashed(b, "s3same", 12)), shown("alice", "s3same"), time.Now()
	for b.Loop() {
		_ = v.Check(all, one, now)
	}
}

func BenchmarkArgon2id(b *testing.B) {
	cfg := defaults()
	cfg.Cache.TTL = config.None
	v, _ := verifier(cfg)
	kept := "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	all, one, now := users("alice", stored(b, kept)), shown("alice", "s3same"), time.Now()
	for b.Loop() {
		_ = v.Check(all, one, now)
	}
}
