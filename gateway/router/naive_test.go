package router_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"postern/gateway/router"
	"postern/provisioning/config"
)

// naive says which of resources takes a request, by looking at all of them; -1:
// none, and whether some has the path.
func naive(resources []config.Resource, method, path string) (best int, there bool) {
	best = -1
	for i, r := range resources {
		if !takes(strings.Split(r.Path, "/")[1:], strings.Split(path, "/")[1:]) {
			continue
		}
		there = true
		if !has(r, method) {
			continue
		}
		if best < 0 || better(r, resources[best], method) {
			best = i
		}
	}
	return best, there
}

func takes(template, path []string) bool {
	switch {
	case len(template) == 1 && template[0] == "**":
		return true
	case len(template) == 0 || len(path) == 0:
		return len(template) == len(path)
	case strings.HasPrefix(template[0], "{"):
		return path[0] != "" && takes(template[1:], path[1:])
	}
	return template[0] == path[0] && takes(template[1:], path[1:])
}

func has(r config.Resource, method string) bool {
	return len(r.Methods) == 0 || slices.Contains(r.Methods, method) || method == "HEAD" && slices.Contains(r.Methods, "GET")
}

// better compares two templates that take the same path.
func better(a, b config.Resource, method string) bool {
	x, y := strings.Split(a.Path, "/")[1:], strings.Split(b.Path, "/")[1:]
	for i := range min(len(x), len(y)) {
		if rank(x[i]) != rank(y[i]) {
			return rank(x[i]) < rank(y[i])
		}
	}
	if len(x) != len(y) {
		// One ends where the other says /**.
		return len(x) < len(y)
	}
	return slices.Contains(a.Methods, method) && !slices.Contains(b.Methods, method)
}

func rank(segment string) int {
	switch {
	case segment == "**":
		return 2
	case strings.HasPrefix(segment, "{"):
		return 1
	}
	return 0
}

// pick builds resources and a path from what a fuzzer says, out of few words so
// that they meet.
func pick(data []byte) (resources []config.Resource, method, path string) {
	next := func(n int) int {
		if len(data) == 0 {
			return 0
		}
		c := int(data[0])
		data = data[1:]
		return c % n
	}
	methods := []string{"GET", "HEAD", "PUT"}
	method = methods[next(3)]
	for range next(5) {
		path += "/" + []string{"a", "b", "c", ""}[next(4)]
	}
	if path == "" {
		path = "/"
	}
	seen := map[string]bool{}
	for range next(12) {
		template := ""
		for range 1 + next(4) {
			template += "/" + []string{"a", "b", "{x}", "{x}", ""}[next(5)]
		}
		if next(3) == 0 {
			template = strings.TrimSuffix(template, "/") + "/**"
		}
		r := config.Resource{Path: template}
		if m := next(4); m < 3 {
			r.Methods = methods[m : m+1]
		}
		if clash(seen, r) {
			continue
		}
		resources = append(resources, r)
	}
	return resources, method, path
}

// clash notes a resource and reports whether Validate would refuse it.
func clash(seen map[string]bool, r config.Resource) bool {
	for _, m := range []string{"GET", "HEAD", "PUT"} {
		if len(r.Methods) == 0 && seen[r.Path+m] || slices.Contains(r.Methods, m) && seen[r.Path+m] {
			return true
		}
	}
	for _, m := range []string{"GET", "HEAD", "PUT"} {
		if len(r.Methods) == 0 || slices.Contains(r.Methods, m) {
			seen[r.Path+m] = true
		}
	}
	return false
}

func FuzzMatchAgainstNaive(f *testing.F) {
	f.Add([]byte{0, 3, 0, 1, 2, 9, 3, 0, 1, 2, 1, 0, 2, 2, 1, 1, 1, 3, 0, 2, 0, 0, 3})
	f.Add([]byte{1, 2, 0, 0, 5, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 3})
	f.Add([]byte("resources in any order, deep and shallow, all of them the same few words"))
	f.Fuzz(func(t *testing.T, data []byte) {
		resources, method, path := pick(data)
		want, there := naive(resources, method, path)
		a := api("a", "1", "/p")
		a.Resources = append([]config.Resource{}, resources...)
		got, err := newRouter("", a).Match([]byte(method), nil, []byte("/p"+path))
		switch {
		case want >= 0 && (err != nil || got.Resource != want):
			t.Fatalf("%s %s of %v: %d (%v), want %d", method, path, resources, got.Resource, err, want)
		case want < 0 && there && !errors.Is(err, router.ErrMethod):
			t.Fatalf("%s %s of %v: %d (%v), want the path's methods", method, path, resources, got.Resource, err)
		case want < 0 && !there && !errors.Is(err, router.ErrNotFound):
			t.Fatalf("%s %s of %v: %d (%v), want nothing", method, path, resources, got.Resource, err)
		}
	})
}
