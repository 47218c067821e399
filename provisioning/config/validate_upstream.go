package config

import "strings"

func (v *checker) upstream(path []any, u Upstream) {
	if len(u.Targets) == 0 {
		v.add(at(path, "targets"), "missing: say where requests go, such as [{url: http://host:port}]")
	}
	if len(u.Targets) > maxTargets {
		v.add(at(path, "targets", maxTargets), "more than %d targets", maxTargets)
	}
	secure := false
	for i, target := range u.Targets {
		secure = v.target(at(path, "targets", i), target) || secure
	}
	v.sameTargets(at(path, "targets"), u.Targets)
	if u.Host != "target" && u.Host != "caller" && !validHostPort(u.Host) {
		v.add(at(path, "host"), "%q is not target, caller or a host name", u.Host)
	}
	if u.TLS != nil {
		v.upstreamTLS(at(path, "tls"), u, secure)
	}
	v.balance(at(path, "balance"), u.Balance)
	v.failing(path, u)
}

// maxTargets is as many as are kept in one word of bits.
const maxTargets = 64

// maxWeight keeps the order of turns short.
const maxWeight = 100

// target checks one address and reports whether it is https, or unreadable.
func (v *checker) target(path []any, t Target) (secure bool) {
	if t.Weight > maxWeight {
		v.add(at(path, "weight"), "must be at most %d", maxWeight)
	}
	path = at(path, "url")
	if t.URL == "" {
		v.add(path, "missing")
		return true
	}
	u, problem := parseURL(t.URL)
	if problem != "" {
		v.add(path, "%s", problem)
		return true
	}
	if u.RawQuery != "" || u.ForceQuery {
		v.add(path, "a target has no query; the caller's is sent")
	}
	// As it was written: u has escaped what should not be there.
	_, written, _ := strings.Cut(t.URL, "://")
	written, _, _ = strings.Cut(written, "?")
	if start := strings.IndexByte(written, '/'); start >= 0 {
		v.targetPath(path, written[start:])
	}
	return u.Scheme == "https"
}

// targetPath is as strict as a base path, but that one slash may end it.
func (v *checker) targetPath(path []any, written string) {
	if len(written) > 1 && written[len(written)-1] == '/' {
		written = written[:len(written)-1]
	}
	v.basePath(path, written)
}

func (v *checker) upstreamTLS(path []any, u Upstream, secure bool) {
	if !secure && len(u.Targets) > 0 {
		v.add(path, "no target is https")
	}
	v.clientTLS(path, u.TLS)
}

// clientTLS checks how a server is spoken to.
func (v *checker) clientTLS(path []any, t *UpstreamTLS) {
	if t.Certificate.IsZero() != t.Key.IsZero() {
		missing := "key"
		if t.Certificate.IsZero() {
			missing = "certificate"
		}
		v.add(at(path, missing), "missing: certificate and key belong together")
	}
	if t.ServerName != "" && !validHost(t.ServerName) {
		v.add(at(path, "server_name"), "%q is not a host name", t.ServerName)
	}
	v.oneOf(at(path, "min_version"), t.MinVersion, "1.2", "1.3")
}
