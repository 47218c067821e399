package introspect_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/introspect"
)

func TestStatus(t *testing.T) {
	p := newIDP()
	p.body = jwks(rsaSigner(0).jwk(`,"alg":"RS256"`), edSigner().jwk(""), rsaSigner(1).jwk(`,"use":"enc"`))
	server := withURL()
	server.Required = true
	server.Local.JWKSURI = "https://idp.example.com/certs?token=hidden"
	server.Local.Algorithms = []string{"RS256", "ES256"}
	keep(t, p, server, func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		fetched := time.Now()
		_ = judge(view, forAnHour(rsaSigner(2)))
		p.change(func(p *idp) { p.status = 500 })
		_ = set.Refresh(t.Context(), "corp")
		want := []introspect.ServerStatus{{
			Name: "corp", Issuer: issuer, Source: "https://idp.example.com/certs", Required: true, Usable: true,
			Keys:    []introspect.KeyStatus{{ID: "rsa-0", Algorithms: []string{"RS256"}}, {ID: "ed", Algorithms: []string{}}},
			Skipped: []introspect.SkippedKey{{ID: "rsa-1", Reason: `use is "enc", not sig`}},
			Fetched: fetched, LastFailed: fetched,
			LastError: "get https://idp.example.com/certs: unexpected status 500",
			Fetches:   3, Failures: 1, UnknownKids: 1,
		}}
		got := set.Status()
		due := time.Until(got[0].NextRefresh)
		if due < 0 || due > time.Second {
			t.Errorf("next refresh in %s, want the first back-off of at most a second", due)
		}
		got[0].NextRefresh = time.Time{}
		if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStatusOfAFileHasNoTimes(t *testing.T) {
	set, _ := open(t, withFile(setOf(edSigner())))
	text := string(must(json.Marshal(set.Status())))
	for _, absent := range []string{"fetched", "next_refresh", "last_error", "last_failed"} {
		if strings.Contains(text, absent) {
			t.Errorf("%s in %s", absent, text)
		}
	}
	if err := set.Refresh(t.Context(), "corp"); err != nil {
		t.Errorf("refresh of a file: %v", err)
	}
}
