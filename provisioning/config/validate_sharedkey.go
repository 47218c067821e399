package config

import "strings"

// symmetric is every signature algorithm of a shared key.
var symmetric = []string{"HS256", "HS384", "HS512"}

// SharedKeySize is how many bytes a shared key must have at least for alg, as
// many as its hash (RFC 7518 3.2); 0 when alg takes no shared key.
func SharedKeySize(alg string) int {
	switch alg {
	case "HS256":
		return 32
	case "HS384":
		return 48
	case "HS512":
		return 64
	}
	return 0
}

// sharedKey reports a shared_key of the mapping at path that is too short for
// one of the algorithms beside it, and those that use no shared key.
func (v *checker) sharedKey(path []any, key Secret, algorithms []string) {
	if strings.Contains(key.Reveal(), "-----BEGIN ") {
		v.add(at(path, "shared_key"), "holds PEM: a key that others know is no shared key")
		return
	}
	for i, alg := range algorithms {
		size := SharedKeySize(alg)
		switch {
		case size == 0:
			v.add(at(path, "algorithms", i), "%q does not use a shared_key%s", alg, DidYouMean(alg, symmetric))
		case len(key.Reveal()) < size:
			v.add(at(path, "shared_key"), "is shorter than the %d bytes that %s needs", size, alg)
		}
	}
}
