package cache_test

import (
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/policy/cache"
	"postern/provisioning/config"
)

func hostile(t *testing.T, cfg *config.Cache, replies ...reply) (exchange.Handler, *[]string) {
	t.Helper()
	asked := new([]string)
	p, err := cache.New(cfg).Policy(cfg, message.New(1<<20, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return p(give(asked, replies...)), asked
}

// TestUnderscores: servers that read "_" as "-" take another method of these, too.
func TestUnderscores(t *testing.T) {
	for _, field := range []string{"X_HTTP_Method_Override: DELETE", "X-HTTP_Method-Override: DELETE", "X_Original_URL: /b", "X_Rewrite_URL: /b"} {
		h, _ := hostile(t, section(nil), reply{200, "Cache-Control: max-age=60", "evil", 0}, reply{200, "Cache-Control: max-age=60", "good", 0})
		first := ask(t, h, "GET", "/a", field)
		if got := ask(t, h, "GET", "/a", ""); got != "200 good [fwd=uri-miss; stored]" {
			t.Errorf("%s: %q then %q", field, first, got)
		}
	}
}

// TestCloaked: servers that read ";" as "&" find a parameter that the key has not.
func TestCloaked(t *testing.T) {
	h, _ := hostile(t, section(func(c *config.Cache) { c.Key.Query = []config.KeyPart{{Name: "currency"}} }),
		reply{200, "Cache-Control: max-age=60", "dollars", 0}, reply{200, "Cache-Control: max-age=60", "euros", 0})
	first := ask(t, h, "GET", "/a?u=1;currency=USD", "")
	if got := ask(t, h, "GET", "/a?u=1", ""); got != "200 euros [fwd=uri-miss; stored]" {
		t.Errorf("%q then %q", first, got)
	}
}

// TestAncientDate: an answer of long ago has an Age that is a number.
func TestAncientDate(t *testing.T) {
	for _, date := range []string{"Mon, 01 Jan 0001 00:00:00 GMT", "Sat, 01 Jan 1600 00:00:00 GMT"} {
		h, _ := hostile(t, section(func(c *config.Cache) { c.Mode, c.TTL = "ttl", 60e9 }), reply{200, "Date: " + date, "a", 0})
		ask(t, h, "GET", "/a", "")
		x := request(t, "GET", "/a", "")
		if err := h(x); err != nil {
			t.Fatal(err)
		}
		if got := string(x.Answer.Head.Get("Age")); len(got) > 10 || got[0] == '-' {
			t.Errorf("%s: Age %q, %q", date, got, x.Answer.Head.Get("Cache-Status"))
		}
	}
}
