package application_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"postern/gateway/application"
	"postern/provisioning/config"
)

// crowd is n applications of different kinds, whose claims many share in part.
func crowd(n int) []config.Application {
	list := make([]config.Application, n)
	for i := range list {
		name := fmt.Sprint("app-", i)
		switch i % 3 {
		case 0:
			list[i] = app(name, set("azp", name))
		case 1:
			list[i] = app(name, set("iss", "https://idp", "tier", "gold", "client.id", name))
		default:
			list[i] = app(name, set("roles", "role-"+name), set("sub", name, "name", "x"))
		}
	}
	return list
}

// caller is a token of the sixth application of a crowd.
func caller(t testing.TB) map[string]any {
	return claims(t, `{"iss":"https://idp","sub":"alice","aud":["orders"],"exp":1790000000,"iat":1790000000,"jti":"1","tier":"gold","roles":["user","shopper","role-app-5"],"client":{"id":"none"}}`)
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprintf("%d applications", n), func(b *testing.B) {
			x, c := index(crowd(n)...), caller(b)
			b.ReportAllocs()
			for b.Loop() {
				if a, err := x.Find("corp", c); err != nil || a.Name != "app-5" {
					b.Fatal(a, err)
				}
			}
		})
	}
}

// hostile are tokens that a caller could have made to be slow, as large as a
// token can be.
func hostile(t testing.TB) map[string]map[string]any {
	items := func(item string) string {
		return strings.TrimSuffix(strings.Repeat(item+",", 12000/(len(item)+1)), ",")
	}
	return map[string]map[string]any{
		"long list":             claims(t, `{"azp":[`+items(`"x"`)+`]}`),
		"one item many times":   claims(t, `{"client":{"id":[`+items(`"app-1"`)+`]},"tier":[`+items(`"x"`)+`]}`),
		"list of a shared role": claims(t, `{"shared":[`+items(`"s"`)+`],"name":[`+items(`"x"`)+`]}`),
		"many members": claims(t, `{`+func() string {
			var b strings.Builder
			for i := range 1000 {
				fmt.Fprintf(&b, `"m%d":1,`, i)
			}
			return b.String() + `"azp":"x"}`
		}()),
	}
}

// shared are applications of which each has the same claim, and no rarer one.
func shared(n int) (list []config.Application) {
	for i := range n {
		list = append(list, app(fmt.Sprint("shared-", i), set("shared", "s", "name", fmt.Sprint("n", i%10), "other", fmt.Sprint("o", i/10%10))))
	}
	return list
}

func BenchmarkHostile(b *testing.B) {
	x := index(append(crowd(10000), shared(1000)...)...)
	for name, c := range hostile(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := x.Find("corp", c); err == nil {
					b.Fatal("found")
				}
			}
		})
	}
}

// A search ends, whatever a token holds.
func TestSearchIsBounded(t *testing.T) {
	list := shared(1000)
	many := strings.TrimSuffix(strings.Repeat(`"n1","n2",`, 3000), ",")
	c := claims(t, `{"shared":["s"],"name":[`+many+`],"other":[`+many+`]}`)
	if got, err := index(list...).Find("corp", c); !errors.Is(err, application.ErrTooMuch) {
		t.Errorf("%v, %v; want %v", got, err, application.ErrTooMuch)
	}
}

// Nor does one among applications that the token may not speak for at all.
func TestSearchOfOthersIsBounded(t *testing.T) {
	list := make([]config.Application, 5000)
	for i := range list {
		list[i] = app(fmt.Sprint("a", i), set("roles", "x"))
		list[i].JWT = []config.Strategy{{AuthServer: "home"}}
	}
	c := claims(t, `{"roles":[`+strings.TrimSuffix(strings.Repeat(`"x",`, 4000), ",")+`]}`)
	if got, err := index(list...).Find("corp", c); !errors.Is(err, application.ErrTooMuch) {
		t.Errorf("%v, %v; want %v", got, err, application.ErrTooMuch)
	}
}
