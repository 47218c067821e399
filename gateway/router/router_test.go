package router_test

import (
	"errors"
	"testing"

	"postern/gateway/router"
	"postern/provisioning/config"
)

// api is an API with resources written as "path METHOD METHOD".
func api(name, version, base string, hosts ...string) config.API {
	return config.API{Name: name, Version: version, BasePath: base, Hosts: hosts}
}

func newRouter(base string, apis ...config.API) *router.Router {
	return router.New(&config.Config{APIEndpoint: config.APIEndpoint{BasePath: &base}, APIs: apis})
}

func TestMatchFindsTheAPI(t *testing.T) {
	apis := []config.API{
		0:  api("orders", "1.9", ""),
		1:  api("orders", "1.10", ""),
		2:  api("orders", "1.2", ""),
		3:  api("shop", "1", "/shop"),
		4:  api("eu", "1", "/shop/eu"),
		5:  api("rest", "1", "/"),
		6:  api("plain", "", ""),
		7:  api("exact", "1", "/hosted", "api.example.com"),
		8:  api("wild", "1", "/hosted", "*.example.com"),
		9:  api("deeper", "1", "/hosted", "*.eu.example.com"),
		10: api("any", "1", "/hosted"),
		11: api("only", "1", "/only", "one.example.org", "two.example.org"),
		12: api("special", "1", "/", "api.example.com"),
		13: api("plain", "2", ""),
		14: api("six", "1", "/six", "[2001:db8::1]"),
	}
	r := newRouter("/gateway", apis...)
	for _, tt := range []struct {
		host, path string
		api        int
		rest       string
	}{
		{"h", "/gateway/orders/1.9/a/b", 0, "/a/b"},
		{"h", "/gateway/orders/1.10", 1, ""},
		{"h", "/gateway/orders/1.2/", 2, "/"},
		{"h", "/gateway/orders/a", 1, "/a"},
		{"h", "/gateway/orders", 1, ""},
		{"h", "/gateway/orders/1.1/a", 1, "/1.1/a"},
		{"h", "/gateway/orders/1.9x/a", 1, "/1.9x/a"},
		{"h", "/gateway//orders/1.9", 5, "/gateway//orders/1.9"},
		{"h", "/gateway/orders//1.9", 1, "//1.9"},
		{"h", "/gateway/Orders/1.9", 5, "/gateway/Orders/1.9"},
		{"h", "/gateway/ordersx/1.9", 5, "/gateway/ordersx/1.9"},
		{"h", "/shop", 3, ""},
		{"h", "/shop/x", 3, "/x"},
		{"h", "/shop/eu", 4, ""},
		{"h", "/shop/eu/x", 4, "/x"},
		{"h", "/shop/eux/x", 3, "/eux/x"},
		{"h", "/shopping", 5, "/shopping"},
		{"h", "/", 5, "/"},
		{"h", "/gateway/plain/1", 6, "/1"},
		{"h", "/gateway/plain/2/x", 13, "/x"},
		{"api.example.com", "/hosted/x", 7, "/x"},
		{"API.Example.COM:8443", "/hosted", 7, ""},
		{"api.example.com.", "/hosted", 7, ""},
		{"www.example.com", "/hosted", 8, ""},
		{"a.b.example.com:80", "/hosted", 8, ""},
		{"a.eu.example.com", "/hosted", 9, ""},
		{"eu.example.com", "/hosted", 8, ""},
		{"example.com", "/hosted", 10, ""},
		{".example.com", "/hosted", 10, ""},
		{"evilexample.com", "/hosted", 10, ""},
		{"", "/hosted", 10, ""},
		{"two.example.org", "/only", 11, ""},
		{"three.example.org", "/only", 5, "/only"},
		{"api.example.com", "/shop/x", 3, "/x"},
		{"api.example.com", "/gateway/orders/a", 1, "/a"},
		{"api.example.com", "/unknown", 12, "/unknown"},
		{"[2001:db8::1]:443", "/six", 14, ""},
		{"[2001:DB8::1]", "/six", 14, ""},
	} {
		t.Run(tt.host+tt.path, func(t *testing.T) {
			got, err := r.Match([]byte("GET"), []byte(tt.host), []byte(tt.path))
			if err != nil || got.API != tt.api || string(got.Rest) != tt.rest || got.Resource != -1 {
				t.Errorf("API %d, rest %q, resource %d, %v; want API %d, rest %q", got.API, got.Rest, got.Resource, err, tt.api, tt.rest)
			}
		})
	}
}

func TestMatchWithoutEndpoint(t *testing.T) {
	r := newRouter("", api("orders", "1.0", ""))
	for path, want := range map[string]error{"/orders/1.0/x": nil, "/orders": nil, "/": router.ErrNotFound, "/order": router.ErrNotFound} {
		if _, err := r.Match([]byte("GET"), nil, []byte(path)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

func TestMatchFindsTheResource(t *testing.T) {
	orders := api("orders", "1", "/o")
	orders.Resources = []config.Resource{
		0:  {Path: "/orders", Methods: []string{"GET", "POST"}},
		1:  {Path: "/orders/{id}", Methods: []string{"GET", "DELETE"}},
		2:  {Path: "/orders/special", Methods: []string{"GET"}},
		3:  {Path: "/orders/{id}/lines/{line}"},
		4:  {Path: "/orders/special/lines", Methods: []string{"POST"}},
		5:  {Path: "/files/**", Methods: []string{"GET"}},
		6:  {Path: "/files/{a}/meta", Methods: []string{"GET"}},
		7:  {Path: "/orders/{id}", Methods: []string{"HEAD"}},
		8:  {Path: "/", Methods: []string{"GET"}},
		9:  {Path: "/slash/", Methods: []string{"GET"}},
		10: {Path: "/a/{b}/c", Methods: []string{"GET"}},
		11: {Path: "/a/b/{c}/d", Methods: []string{"GET"}},
		12: {Path: "/pre/{x}/**", Methods: []string{"PUT"}},
		13: {Path: "/options", Methods: []string{"OPTIONS"}},
	}
	r := newRouter("", orders)
	const none = -1
	for _, tt := range []struct {
		method, path string
		resource     int
		allow        string
	}{
		{"GET", "/orders", 0, ""},
		{"HEAD", "/orders", 0, ""},
		{"POST", "/orders", 0, ""},
		{"PUT", "/orders", none, "GET, HEAD, POST"},
		{"get", "/orders", none, "GET, HEAD, POST"},
		{"OPTIONS", "/orders", none, "GET, HEAD, POST"},
		{"GET", "/orders/", none, ""},
		{"GET", "/Orders", none, ""},
		{"GET", "/orders/7", 1, ""},
		{"HEAD", "/orders/7", 7, ""},
		{"GET", "/orders/special", 2, ""},
		{"HEAD", "/orders/special", 2, ""},
		{"DELETE", "/orders/special", 1, ""},
		{"PATCH", "/orders/special", none, "DELETE, GET, HEAD"},
		{"PATCH", "/orders/special/lines/7", 3, ""},
		{"GET", "/orders/special/lines", none, "POST"},
		{"GET", "/orders//lines/7", none, ""},
		{"GET", "/files", 5, ""},
		{"GET", "/files/", 5, ""},
		{"GET", "/files/a/b/c", 5, ""},
		{"GET", "/files/a/meta", 6, ""},
		{"GET", "/files/a/meta/x", 5, ""},
		{"GET", "/filesx", none, ""},
		{"GET", "/", 8, ""},
		{"GET", "", 8, ""},
		{"GET", "/slash/", 9, ""},
		{"GET", "/slash", none, ""},
		{"GET", "/a/b/c", 10, ""},
		{"GET", "/a/b/c/d", 11, ""},
		{"PUT", "/pre/x", 12, ""},
		{"PUT", "/pre/x/y/z", 12, ""},
		{"PUT", "/pre/", none, ""},
		{"GET", "/pre/x/y", none, "PUT"},
		{"OPTIONS", "/options", 13, ""},
		{"GET", "//orders", none, ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			got, err := r.Match([]byte(tt.method), nil, []byte("/o"+tt.path))
			want := error(nil)
			switch {
			case tt.allow != "":
				want = router.ErrMethod
			case tt.resource == none:
				want = router.ErrNotFound
			}
			if !errors.Is(err, want) || got.Resource != tt.resource || got.Allow != tt.allow || got.API != 0 {
				t.Errorf("resource %d, allow %q, %v; want %d, %q, %v", got.Resource, got.Allow, err, tt.resource, tt.allow, want)
			}
		})
	}
}

func TestNoResourcesAtAll(t *testing.T) {
	closed := api("closed", "1", "/c")
	closed.Resources = []config.Resource{}
	if _, err := newRouter("", closed).Match([]byte("GET"), nil, []byte("/c/x")); !errors.Is(err, router.ErrNotFound) {
		t.Errorf("an empty list of resources let a request pass: %v", err)
	}
}

func TestLatestIsNatural(t *testing.T) {
	for _, tt := range []struct{ older, newer string }{
		{"1.9", "1.10"},
		{"1.9.9", "2"},
		{"1", "1.0"},
		{"1.0", "1.0.1"},
		{"v9", "v10"},
		{"1.beta", "1.0"},
		{"beta2", "beta10"},
		{"1.007", "1.8"},
		{"9", "10000000000000000000000000"},
		{"1.0", "1.00"},
	} {
		for _, versions := range [][2]string{{tt.older, tt.newer}, {tt.newer, tt.older}} {
			r := newRouter("", api("a", versions[0], ""), api("a", versions[1], ""))
			got, err := r.Match([]byte("GET"), nil, []byte("/a/x"))
			if err != nil || versions[got.API] != tt.newer {
				t.Errorf("latest of %v is %d (%v), want %s", versions, got.API, err, tt.newer)
			}
		}
	}
}

func TestLatestOfAHost(t *testing.T) {
	r := newRouter("", api("a", "1", "", "one.example.org"), api("a", "2", ""))
	for _, tt := range []struct {
		host, path string
		api        int
	}{
		{"one.example.org", "/a/x", 0},
		{"one.example.org", "/a/2/x", 1},
		{"two.example.org", "/a/x", 1},
	} {
		if got, err := r.Match([]byte("GET"), []byte(tt.host), []byte(tt.path)); err != nil || got.API != tt.api {
			t.Errorf("%s%s: API %d (%v), want %d", tt.host, tt.path, got.API, err, tt.api)
		}
	}
}
