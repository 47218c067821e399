package gateway

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/gateway/exchange"
)

// throttledAPIs is the YAML of two APIs, with these limits of all APIs, of the API
// orders, and of its scope slow.
func throttledAPIs(file, global, own, scope string) string {
	section := func(name, rules string) string {
		if rules == "" {
			return ""
		}
		return name + ": [" + rules + "]"
	}
	if global != "" {
		global = "policies: [{name: all, policies: {" + section("throttle", global) + "}}]"
	}
	return fmt.Sprintf(`
auth_servers:
- name: corp
  issuer: https://idp.example.com
  audience: {any: [orders]}
  local_introspection: {public_key: %q}
applications:
- {name: shop, id: s-1, apis: [orders], identify: {claims: [{azp: shop}]}}
- {name: partner, apis: [orders], identify: {claims: [{azp: partner}]}}
- {name: other, identify: {claims: [{azp: other}]}}
%s
apis:
- name: orders
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  resources: [{path: /a}, {path: "/b/{id}"}, {path: /slow, scopes: [slow]}]
  scopes: [{name: slow, policies: {%s}}]
  policies:
    identify: {by: [jwt], applications: none, anonymous: true}
    %s
- name: bills
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  resources: [{path: /a}, {path: /x}]
  policies: {identify: {by: [jwt], applications: none, anonymous: true}}
`, file, global, section("throttle", scope)+strings.Repeat("protocols: [http, https]", bit(scope == "")), section("throttle", own))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// throttlePlay plays requests against the limits and compares their statuses. A
// step is a caller (an application, nobody, or forged), then a path, an address
// @…, a header Name=value, as far as it matters, and the status; or +duration,
// which passes; or register, a reload that registers the application other.
type throttlePlay struct {
	name               string
	global, own, scope string
	steps              string
}

func (s *throttlePlay) play(t *testing.T) {
	file, sign := newIssuer(t)
	_, forge := newIssuer(t)
	text := throttledAPIs(file, s.global, s.own, s.scope)
	g, _ := newGateway(t, text, upstreamAnswers)
	for i, step := range strings.Split(s.steps, ",") {
		words := strings.Fields(step)
		if words[0] == "register" {
			if err := g.Apply(load(t, strings.Replace(text, "name: other", "name: other, apis: [orders]", 1))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if span, ok := strings.CutPrefix(words[0], "+"); ok {
			pass, err := time.ParseDuration(span)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(pass)
			continue
		}
		path, address, headers := "/gateway/orders/a", "192.0.2.7", []string(nil)
		for _, word := range words[1 : len(words)-1] {
			name, value, header := strings.Cut(word, "=")
			switch {
			case word[0] == '/':
				path = "/gateway" + word
			case word[0] == '@':
				address = word[1:]
			case header:
				headers = append(headers, name+": "+value)
			}
		}
		token := sign
		if words[0] == "forged" {
			token = forge
		}
		if words[0] != "nobody" {
			headers = append(headers, "Authorization: "+token(jwt.MapClaims{
				"iss": "https://idp.example.com", "aud": "orders", "sub": "u-" + words[0], "azp": words[0], "exp": time.Now().Add(time.Hour).Unix(),
			}))
		}
		x := newExchange(t, "GET", path, headers...)
		x.Peer = netip.AddrPortFrom(netip.MustParseAddr(address), 1)
		g.Handle(x)
		status := x.Answer.Status
		if status == 0 {
			status = x.HTTP.Response.StatusCode()
		}
		if strconv.Itoa(status) != words[len(words)-1] {
			t.Errorf("step %d, %s: %d (%s)", i+1, step, status, x.Reason)
		}
		x.Finish(exchange.End{Status: status})
	}
}

// Every key of throttle in which it changes the answer; the comments have what
// the vendor calls it.
func TestThrottle(t *testing.T) {
	for _, s := range []throttlePlay{
		// throttleRule requestCount GT 1, alertIntervalUnit minutes
		{name: "window", own: "{requests: 1, per: 1m}", steps: "shop 200, +20s, partner 429, nobody 429, +39s, shop 429, +1s, shop 200, partner 429"},
		// value
		{name: "requests", own: "{requests: 3, per: 1m}", steps: "shop 200, shop 200, shop 200, shop 429"},
		// alertInterval
		{name: "two minutes", own: "{requests: 1, per: 2m}", steps: "shop 200, +1m, shop 429, +1m, shop 200"},
		// alertIntervalUnit
		{name: "hours", own: "{requests: 1, per: 1h}", steps: "shop 200, +59m, shop 429, +1m, shop 200"},
		{name: "days", own: "{requests: 1, per: 24h}", steps: "shop 200, +23h, shop 429, +1h, shop 200"},
		// The clock of a test begins on Saturday, 2000-01-01.
		{name: "calendar week", own: "{requests: 1, per: calendar_week}", steps: "shop 200, +47h, shop 429, +1h, shop 200, +24h, shop 429"},
		{name: "week starts", own: "{requests: 1, per: calendar_week, week_starts: sunday}", steps: "shop 200, +23h, shop 429, +1h, shop 200, +24h, shop 429"},
		{name: "two weeks", own: "{requests: 1, per: 2 calendar_weeks}", steps: "shop 200, +48h, shop 429, +167h, shop 429, +1h, shop 200"},
		{name: "calendar month", own: "{requests: 1, per: calendar_month}", steps: "shop 200, +743h, shop 429, +1h, shop 200, +72h, shop 429"},
		// consumerIds AllConsumers
		{name: "all consumers", own: "{requests: 2, per: 1m}", steps: "shop 200, nobody 200, other 429"},
		// AllRegisteredConsumers
		{name: "all registered", own: "{requests: 1, per: 1m, applications: registered}", steps: "shop 200, partner 429, other 200, other 200, nobody 200, nobody 200"},
		// AllNonRegisteredConsumers
		{name: "all unregistered", own: "{requests: 1, per: 1m, applications: unregistered}", steps: "other 200, nobody 429, shop 200, shop 200"},
		// EachConsumer
		{name: "each", own: "{requests: 1, per: 1m, by: application}", steps: "shop 200, shop 429, partner 200, other 200, other 429, nobody 200, unknown 429"},
		{name: "registered later", own: "{requests: 2, per: 1m, applications: registered}", steps: "shop 200, other 200, register, other 200, other 429, partner 429"},
		// EachRegisteredConsumer
		{name: "each registered", own: "{requests: 1, per: 1m, by: application, applications: registered}", steps: "shop 200, shop 429, partner 200, partner 429, other 200, other 200, nobody 200, nobody 200"},
		// EachNonRegisteredConsumer
		{name: "each unregistered", own: "{requests: 1, per: 1m, by: application, applications: unregistered}", steps: "other 200, other 429, nobody 200, nobody 429, shop 200, shop 200"},
		// ids of applications, or their names
		{name: "some", own: "{requests: 1, per: 1m, applications: [s-1, other]}", steps: "shop 200, other 429, partner 200, partner 200, nobody 200"},
		// consumerSpecificCounter
		{name: "each of some", own: "{requests: 1, per: 1m, by: application, applications: [s-1, other]}", steps: "shop 200, shop 429, other 200, other 429, partner 200, partner 200"},

		{name: "except", own: "{requests: 1, per: 1m, except: [shop, {application: partner, requests: 2}]}", steps: "other 200, other 429, nobody 429, shop 200, shop 200, partner 200, partner 200, partner 429"},
		{name: "resource", own: "{requests: 1, per: 1m, by: resource}", steps: "shop /orders/a 200, shop /orders/a 429, shop /orders/b/1 200, shop /orders/b/2 429"},
		{name: "claim", own: "{requests: 1, per: 1m, by: 'claim:sub'}", steps: "shop 200, shop 429, unknown 200, unknown 429, nobody 200, nobody 429"},
		{name: "subject", own: "{requests: 1, per: 1m, by: subject}", steps: "shop 200, shop 429, unknown 200, unknown 429, nobody 200, nobody 429"},
		{name: "header", own: "{requests: 1, per: 1m, by: ['header:X-T', application]}", steps: "shop X-T=a 200, shop X-T=a 429, shop X-T=b 200, partner X-T=a 200, shop 200, shop 429"},
		{name: "missing is exempt", own: "{requests: 1, per: 1m, by: application, missing: exempt}", steps: "shop 200, shop 429, nobody 200, nobody 200"},
		{name: "missing is counted by ip", own: "{requests: 1, per: 1m, by: application, missing: ip}", steps: "shop 200, shop @192.0.2.8 429, nobody 200, nobody 429, nobody @192.0.2.8 200"},
		{name: "ip", own: "{requests: 1, per: 1m, by: ip}", steps: "shop 200, partner 429, shop @192.0.2.8 200, shop @::ffff:192.0.2.8 429"},
		{name: "subscriber's IPv6", own: "{requests: 1, per: 1m, by: ip}", steps: "shop @2001:db8::1 200, shop @2001:db8::ffff:1 429, shop @2001:db8:0:1::1 200"},
		{name: "ipv6 prefix", own: "{requests: 1, per: 1m, by: ip, ipv6_prefix: 48}", steps: "shop @2001:db8::1 200, shop @2001:db8:0:1::1 429, shop @2001:db8:1::1 200"},
		{name: "one IPv6 address", own: "{requests: 1, per: 1m, by: ip, ipv6_prefix: 128}", steps: "shop @2001:db8::1 200, shop @2001:db8::2 200, shop @2001:db8::1 429"},
		{name: "smooth", own: "{requests: 60, per: 1m, algorithm: smooth, burst: 2}", steps: "shop 200, shop 200, shop 429, +999ms, shop 429, +1ms, shop 200, shop 429, +1h, shop 200, shop 200, shop 429"},
		{name: "keys", own: "{requests: 1, per: 1m, by: ip, keys: 2}", steps: "shop @192.0.2.1 200, +1s, shop @192.0.2.2 200, +1s, shop @192.0.2.3 200, shop @192.0.2.2 429, shop @192.0.2.1 200"},

		{name: "before identification", own: "{requests: 1, per: 1m, by: [api, ip]}", steps: "forged 401, forged 429, shop 429, shop @192.0.2.8 200"},
		{name: "after identification", own: "{requests: 1, per: 1m}", steps: "forged 401, forged 401, shop 200, forged 401, shop 429"},
		{name: "by ip of some", own: "{requests: 1, per: 1m, by: ip, applications: [shop]}", steps: "forged 401, partner 200, shop 200, shop 429, shop @192.0.2.8 200"},

		{name: "several APIs together", global: "{requests: 1, per: 1m, by: ip}", steps: "shop 200, shop /bills/x 429"},
		{name: "several APIs, each", global: "{requests: 1, per: 1m}", steps: "shop 200, shop 429, shop /bills/x 200, shop /bills/x 429"},
		{name: "several APIs, each resource", global: "{requests: 1, per: 1m, by: resource}", steps: "shop 200, shop 429, shop /bills/a 200, shop /bills/x 200, shop /bills/a 429"},
		{name: "several APIs, registered", global: "{requests: 1, per: 1m, applications: registered}", steps: "shop 200, shop 429, shop /bills/x 200, shop /bills/x 200"},
		{name: "scope", scope: "{requests: 1, per: 1m}", steps: "shop /orders/slow 200, shop /orders/slow 429, shop 200, shop 200"},
		// What refuses has not counted, and neither have those behind it.
		{
			name: "all levels count", global: "{requests: 5, per: 1h}", own: "{requests: 2, per: 1m}, {name: second, requests: 3, per: 1h}", scope: "{requests: 1, per: 1h}",
			steps: "shop /orders/slow 200, shop /orders/slow 429, shop 429, +1m, shop 200, shop 429",
		},
	} {
		t.Run(s.name, func(t *testing.T) { synctest.Test(t, s.play) })
	}
}
