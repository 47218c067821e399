package config

import (
	"slices"
	"strings"
)

// The words of LocalIntrospection.Profile.
const (
	profileRFC9068 = "rfc9068" // JWT access tokens
	profileRFC8725 = "rfc8725" // best current practices
)

// profile reports settings that contradict a profile: each says that issuer and
// audience are checked (RFC 9068 4, RFC 8725 3.8 and 3.9), and the first has one
// typ.
func (v *checker) profile(path []any, s AuthServer) {
	for i, word := range s.Local.Profile {
		v.oneOf(at(path, "profile", i), word, profileRFC9068, profileRFC8725)
		if slices.Contains(s.Local.Profile[:i], word) {
			v.add(at(path, "profile", i), "%q stands twice", word)
		}
	}
	if len(s.Local.Profile) == 0 {
		return
	}
	server := path[:2:2]
	if s.Issuer.Unchecked {
		v.add(at(server, "issuer"), "must be stated: profile %s checks it", s.Local.Profile[0])
	}
	if a := s.Audience; a != nil && (a.Unchecked || a.Optional) {
		v.add(at(server, "audience"), "must be required: profile %s checks it", s.Local.Profile[0])
	}
	if !slices.Contains(s.Local.Profile, profileRFC9068) {
		return
	}
	for i, typ := range s.Local.Types {
		if strings.TrimPrefix(strings.ToLower(typ), "application/") != "at+jwt" {
			v.add(at(path, "types", i), "%q is no access token: profile rfc9068 takes at+jwt alone", typ)
		}
	}
}
