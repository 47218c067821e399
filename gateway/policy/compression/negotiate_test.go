package compression

import (
	"strings"
	"testing"

	"postern/gateway/wire"
)

func TestNegotiate(t *testing.T) {
	codings := []string{"zstd", "gzip"}
	for _, tt := range []struct{ accept, want string }{
		{"", ""},
		{"gzip", "gzip"},
		{"x-gzip", "gzip"},
		{"GZIP;Q=1", "gzip"},
		{"gzip, deflate, br, zstd", "zstd"},
		{"zstd;q=0.5, gzip;q=0.501", "gzip"},
		{"gzip|zstd;q=0.1", "gzip"},
		{"*", "zstd"},
		{"*;q=0.1, zstd;q=0", "gzip"},
		{"gzip;q=0", ""},
		{"gzip;q=0.000", ""},
		{"gzip;q=2", ""},
		{"gzip;q=1.001", ""},
		{"gzip;q=.5", ""},
		{"gzip;q=", ""},
		{"gzip;level=9", ""},
		{"identity", ""},
		{"identity;q=0", ""},
		{"identity;q=0.5, gzip;q=0.4", ""},
		{"identity;q=0.5, gzip;q=0.5", "gzip"},
		{"identity;q=0, *;q=0.1", "zstd"},
		{"deflate, br", ""},
	} {
		head, got := new(wire.Head), ""
		for _, line := range strings.Split(tt.accept, "|") {
			head.Add("Accept-Encoding", line)
		}
		if found := negotiate(head, codings); found != none {
			got = codings[found]
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.accept, got, tt.want)
		}
	}
}

// Nobody gets a coding that it has not named, nor one that it refuses.
func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"gzip;q=0.5, *;q=0", "zstd, br;q=", ";;,=", "*;q=1"} {
		f.Add(seed)
	}
	codings := []string{"zstd", "br", "gzip"}
	f.Fuzz(func(t *testing.T, accept string) {
		head := new(wire.Head)
		head.Add("Accept-Encoding", accept)
		low := strings.ToLower(accept)
		switch found := negotiate(head, codings); {
		case found == none:
		case !strings.Contains(low, codings[found]) && !strings.Contains(low, "*"):
			t.Errorf("%q: %s", accept, codings[found])
		case strings.TrimSpace(low) == codings[found]+";q=0":
			t.Errorf("%q was refused", accept)
		}
	})
}
