package admin_test

import (
	"encoding/pem"
	"regexp"
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

func block(kind, content string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)})
}

func TestHash(t *testing.T) {
	build := func(change func(*config.Config)) string {
		cfg := testConfig()
		cfg.AdminAPI.User, cfg.AdminAPI.Password = "admin", config.NewSecret(marker)
		cfg.TLS.Certificates[0].Certificate = config.File{Path: "/etc/cert.pem", Data: block("CERTIFICATE", "one")}
		cfg.AuthServers[0].Local.JWKS = config.File{Path: "/etc/keys.json", Data: []byte(`{"keys":[{"kty":"oct","kid":"1","k":"aaaa"}]}`)}
		change(cfg)
		return admin.Hash(cfg)
	}
	before := build(func(*config.Config) {})
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(before) {
		t.Fatalf("hash %q", before)
	}
	certificate := func(c *config.Config) *config.File { return &c.TLS.Certificates[0].Certificate }
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		same   bool
	}{
		{"nothing", func(*config.Config) {}, true},
		{"another password", func(c *config.Config) { c.AdminAPI.Password = config.NewSecret("other") }, true},
		{"another private key", func(c *config.Config) { c.TLS.Certificates[0].Key.Data = block("PRIVATE KEY", "other") }, true},
		{"a private key beside the certificate", func(c *config.Config) {
			certificate(c).Data = append(block("PRIVATE KEY", "x"), certificate(c).Data...)
		}, true},
		{"another symmetric key in a set", func(c *config.Config) {
			c.AuthServers[0].Local.JWKS.Data = []byte(`{"keys":[{"kty":"oct","kid":"1","k":"bbbb","d":"x","p":"y"}]}`)
		}, true},
		{"another password in an address", func(c *config.Config) {
			c.AuthServers[0].Local.JWKSURI = "https://user:other@idp.example.com/certs?key=other"
		}, true},
		{"files elsewhere", func(c *config.Config) {
			certificate(c).Path, c.AuthServers[0].Local.JWKS.Path, c.TLS.Certificates[0].Key.Path = "/home/a", "/home/b", "/home/c"
		}, true},
		{"another host, with more processors", func(c *config.Config) { c.Tokens.Verifications = 64 }, true},
		{"no password", func(c *config.Config) { c.AdminAPI.Password = config.Secret{} }, false},
		{"another certificate", func(c *config.Config) { certificate(c).Data = block("CERTIFICATE", "two") }, false},
		{"no certificate", func(c *config.Config) { *certificate(c) = config.File{} }, false},
		{"another public key", func(c *config.Config) { c.AuthServers[0].Local.PublicKey.Data = block("PUBLIC KEY", "two") }, false},
		{"another key in a set", func(c *config.Config) {
			c.AuthServers[0].Local.JWKS.Data = []byte(`{"keys":[{"kty":"oct","kid":"2","k":"aaaa"}]}`)
		}, false},
		{"another address", func(c *config.Config) { c.AuthServers[0].Local.JWKSURI = "https://idp.example.com/other" }, false},
		{"another port", func(c *config.Config) { c.Ports.HTTP = ":1" }, false},
		{"another header", func(c *config.Config) { c.APIs[0].Policies.Identify.ClaimHeaders[0].Header = "X-Sub" }, false},
		{"an API less", func(c *config.Config) { c.APIs = c.APIs[:1] }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if same := build(tt.change) == before; same != tt.same {
				t.Errorf("same hash: %v, want %v", same, tt.same)
			}
		})
	}
}

func TestHashChangesNothing(t *testing.T) {
	cfg := testConfig()
	cfg.Tokens.Verifications = 8
	admin.Hash(cfg)
	if cfg.Tokens.Verifications == 0 {
		t.Error("the configuration has changed")
	}
}
