package router_test

import (
	"fmt"
	"testing"

	"postern/gateway/router"
	"postern/provisioning/config"
)

// many is a router of n APIs with hosts, versions and resources.
func many(n int) *router.Router {
	apis := make([]config.API, n)
	for i := range apis {
		apis[i] = api(fmt.Sprintf("orders-%d", i/2), fmt.Sprintf("%d.0", i%2), "")
		apis[i].Resources = []config.Resource{
			{Path: "/orders", Methods: []string{"GET", "POST"}},
			{Path: "/orders/{id}", Methods: []string{"GET", "DELETE"}},
			{Path: "/orders/{id}/lines/{line}", Methods: []string{"GET"}},
		}
		if i%5 == 0 {
			apis[i].Hosts = []string{fmt.Sprintf("api-%d.example.com", i), "*.example.org"}
		}
	}
	return newRouter("/gateway", apis...)
}

func BenchmarkMatch(b *testing.B) {
	method, host := []byte("GET"), []byte("api.example.com:4485")
	path := []byte("/gateway/orders-3/1.0/orders/12345/lines/7")
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := many(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Match(method, host, path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		many(10000)
	}
}
