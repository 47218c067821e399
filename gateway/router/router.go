package router

import (
	"bytes"
	"errors"
	"strings"

	"postern/provisioning/config"
)

// Why a request has no route.
var (
	ErrNotFound = errors.New("no API or resource has this path")
	ErrMethod   = errors.New("the resource does not have this method")
)

// Router finds routes. It is immutable and safe for concurrent use.
type Router struct {
	exact    map[string]*site
	wildcard map[string]*site // by the suffix after "*."
	every    *site            // APIs without hosts
	trees    []*node          // resources by API; nil: every path and method
	hosted   bool             // some API states a host
}

// site is what one host serves.
type site struct {
	prefixes map[string]int // a whole prefix: index of its API
	latest   map[string]int // a prefix without a version
	rest     int            // the API with base path "/"; -1: none
	deepest  int            // slashes in the longest prefix
}

// Route is where a request belongs.
type Route struct {
	API      int    // index of Config.APIs; -1: none
	Resource int    // index of the API's Resources; -1: it states none
	Rest     []byte // what follows the API's prefix; part of the path
	Allow    string // the methods of the path, with ErrMethod
}

// New builds the router of a validated configuration.
func New(cfg *config.Config) *Router {
	r := &Router{exact: map[string]*site{}, wildcard: map[string]*site{}, every: newSite()}
	r.trees = make([]*node, len(cfg.APIs))
	for i := range cfg.APIs {
		api := &cfg.APIs[i]
		r.trees[i] = newTree(api.Resources)
		for _, s := range r.sites(api.Hosts) {
			s.add(cfg, i)
		}
	}
	r.hosted = len(r.exact)+len(r.wildcard) > 0
	return r
}

// sites are the sites of an API, made where they are missing.
func (r *Router) sites(hosts []string) []*site {
	if len(hosts) == 0 {
		return []*site{r.every}
	}
	sites := make([]*site, len(hosts))
	for i, host := range hosts {
		all := r.exact
		name := strings.TrimSuffix(strings.ToLower(host), ".")
		if suffix, ok := strings.CutPrefix(name, "*."); ok {
			all, name = r.wildcard, suffix
		}
		if all[name] == nil {
			all[name] = newSite()
		}
		sites[i] = all[name]
	}
	return sites
}

func newSite() *site {
	return &site{prefixes: map[string]int{}, latest: map[string]int{}, rest: -1}
}

// add makes the site serve an API.
func (s *site) add(cfg *config.Config, index int) {
	api := &cfg.APIs[index]
	base := ""
	if cfg.APIEndpoint.BasePath != nil {
		base = *cfg.APIEndpoint.BasePath
	}
	switch {
	case api.BasePath == "/":
		s.rest = index
	case api.BasePath != "":
		s.prefix(api.BasePath, index)
	case api.Version == "":
		s.prefix(base+"/"+api.Name, index)
	default:
		name := base + "/" + api.Name
		s.prefix(name+"/"+api.Version, index)
		if i, ok := s.latest[name]; !ok || compareVersions(cfg.APIs[i].Version, api.Version) < 0 {
			s.latest[name] = index
		}
	}
}

func (s *site) prefix(prefix string, index int) {
	s.prefixes[prefix] = index
	s.deepest = max(s.deepest, strings.Count(prefix, "/"))
}

// Match finds the route of a request by its method, its Host field and its
// canonical path. It allocates nothing unless it fails with ErrMethod. With an
// error, Route.API tells whose path it is, if anybody's.
func (r *Router) Match(method, host, path []byte) (Route, error) {
	api, rest := r.find(host, path)
	if api < 0 {
		return Route{API: -1, Resource: -1}, ErrNotFound
	}
	route := Route{API: api, Resource: -1, Rest: rest}
	tree := r.trees[api]
	if tree == nil {
		return route, nil
	}
	if len(rest) == 0 {
		rest = slash
	}
	route.Resource = tree.find(method, rest[1:])
	if route.Resource >= 0 {
		return route, nil
	}
	if route.Allow = tree.allow(rest[1:]); route.Allow != "" {
		return route, ErrMethod
	}
	return route, ErrNotFound
}

// slash ends a segment, and is the path of an API that is called by its bare prefix.
var slash = []byte{'/'}

// find looks for the API in three rounds, each from the most particular host to
// none: whole prefixes, then prefixes without a version, then base path "/".
// So "/" takes only what nobody else does.
func (r *Router) find(host, path []byte) (api int, rest []byte) {
	var buffer [maxHost]byte
	host = r.normal(buffer[:0], host)
	for round := byPrefix; round <= byRest; round++ {
		if api, rest = r.round(round, host, path); api >= 0 {
			return api, rest
		}
	}
	return -1, nil
}

type round uint8

const (
	byPrefix round = iota
	byLatest
	byRest
)

// round asks the sites that serve host.
func (r *Router) round(n round, host, path []byte) (api int, rest []byte) {
	if s := r.exact[string(host)]; s != nil {
		if api, rest = s.find(n, path); api >= 0 {
			return api, rest
		}
	}
	for i := 0; i < len(host) && len(r.wildcard) > 0; i++ {
		if host[i] != '.' || i == 0 {
			continue
		}
		s := r.wildcard[string(host[i+1:])]
		if s == nil {
			continue
		}
		if api, rest = s.find(n, path); api >= 0 {
			return api, rest
		}
	}
	return r.every.find(n, path)
}

// find returns the API that owns path, and what follows its prefix. The longest
// prefix wins.
func (s *site) find(n round, path []byte) (api int, rest []byte) {
	owners, depth := s.prefixes, s.deepest
	switch n {
	case byRest:
		return s.rest, path
	case byLatest:
		owners = s.latest
	}
	if len(owners) == 0 {
		return -1, nil
	}
	for end := boundary(path, depth); end > 0; end = bytes.LastIndexByte(path[:end], '/') {
		if api, ok := owners[string(path[:end])]; ok {
			return api, path[end:]
		}
	}
	return -1, nil
}

// boundary is where the first depth segments of path end.
func boundary(path []byte, depth int) int {
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if depth--; depth == 0 {
			return i
		}
	}
	return len(path)
}

// maxHost is the longest name there can be, with a dot at its end.
const maxHost = 254

// normal appends host to dst as hosts are compared: lower case, no port, no dot
// at the end. It is empty when no API states a host, or none could be this one.
func (r *Router) normal(dst, host []byte) []byte {
	if !r.hosted {
		return dst
	}
	if colon := bytes.LastIndexByte(host, ':'); colon > bytes.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1]
	}
	if len(host) > maxHost {
		return dst
	}
	for _, c := range host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
