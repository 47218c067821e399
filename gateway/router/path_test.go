package router_test

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"

	"postern/gateway/router"
)

func TestCanonical(t *testing.T) {
	for _, tt := range []struct {
		raw, want string
		slash     bool
		err       error
	}{
		{raw: "/", want: "/"},
		{raw: "/a/b", want: "/a/b"},
		{raw: "/a/", want: "/a/"},
		{raw: "//a///b", want: "//a///b"},
		{raw: "/%61%7e%2D%5f%2e1", want: "/a~-_.1"},
		{raw: "/%c3%a4", want: "/%C3%A4"},
		{raw: "/a%20b%3f", want: "/a%20b%3F"},
		{raw: "/a%252e%252e/b", want: "/a%252e%252e/b"},
		{raw: "/a%2fb", want: "/a%2Fb", slash: true},
		{raw: "/...", want: "/..."},
		{raw: "/.well-known/a", want: "/.well-known/a"},
		{raw: "/a../.b/..c", want: "/a../.b/..c"},
		{raw: "/a;v=1/b", want: "/a;v=1/b"},
		{raw: "/a:b@c!$&'()*+,=", want: "/a:b@c!$&'()*+,="},
		{raw: "", err: router.ErrNotAbsolute},
		{raw: "*", err: router.ErrNotAbsolute},
		{raw: "a/b", err: router.ErrNotAbsolute},
		{raw: "/a b", err: router.ErrByte},
		{raw: "/a\tb", err: router.ErrByte},
		{raw: "/a\x00", err: router.ErrByte},
		{raw: "/\x7f", err: router.ErrByte},
		{raw: "/\xc3\xa4", err: router.ErrByte},
		{raw: `/a\b`, err: router.ErrByte},
		{raw: "/a#b", err: router.ErrByte},
		{raw: "/a%", err: router.ErrEscape},
		{raw: "/a%2", err: router.ErrEscape},
		{raw: "/a%2g", err: router.ErrEscape},
		{raw: "/a%-1", err: router.ErrEscape},
		{raw: "/%00", err: router.ErrControl},
		{raw: "/%0d%0a", err: router.ErrControl},
		{raw: "/%1F", err: router.ErrControl},
		{raw: "/%7f", err: router.ErrControl},
		{raw: "/a%5cb", err: router.ErrControl},
		{raw: "/.", err: router.ErrDotSegment},
		{raw: "/..", err: router.ErrDotSegment},
		{raw: "/a/./b", err: router.ErrDotSegment},
		{raw: "/a/../b", err: router.ErrDotSegment},
		{raw: "/a/%2e%2E/b", err: router.ErrDotSegment},
		{raw: "/a/.%2e", err: router.ErrDotSegment},
		{raw: "//../a", err: router.ErrDotSegment},
		{raw: "/a/..;x/b", err: router.ErrDotSegment},
		{raw: "/a/.;/b", err: router.ErrDotSegment},
		{raw: "/a/..%3b/b", err: router.ErrDotSegment},
		{raw: "/a%2f..%2fb", err: router.ErrDotSegment},
		{raw: "/a%2f%2e%2e", err: router.ErrDotSegment},
		{raw: "/..%2fa", err: router.ErrDotSegment},
	} {
		t.Run(tt.raw, func(t *testing.T) {
			got, slash, err := router.Canonical([]byte("before"), []byte(tt.raw))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err == nil && (string(got) != "before"+tt.want || slash != tt.slash) {
				t.Errorf("got %q (slash %v), want %q (%v) after what was there", got, slash, tt.want, tt.slash)
			}
		})
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"/a/%2e%2e/b", "/%25%32%65", "/a%2f..", "//..;/", "/a%C3%b6//x", "/%", "/a/.%2E;p"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		path, slash, err := router.Canonical(nil, raw)
		if err != nil {
			return
		}
		again, slashAgain, err := router.Canonical(nil, path)
		if err != nil || !bytes.Equal(again, path) || slash != slashAgain {
			t.Fatalf("%q became %q, which became %q (%v)", raw, path, again, err)
		}
		// A server that decodes and splits must not see a dot segment.
		before, errBefore := url.PathUnescape(string(raw))
		after, errAfter := url.PathUnescape(string(path))
		if errBefore != nil || errAfter != nil || before != after {
			t.Fatalf("%q means %q, %q means %q", raw, before, path, after)
		}
		for segment := range strings.SplitSeq(after, "/") {
			name, _, _ := strings.Cut(segment, ";")
			if segment == "." || segment == ".." || (name == "." || name == "..") && !strings.Contains(string(path), "%3B") {
				t.Fatalf("%q became %q, with segment %q", raw, path, segment)
			}
		}
		if i := strings.IndexFunc(after, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }); i >= 0 {
			t.Fatalf("%q became %q, which means %q", raw, path, after)
		}
	})
}

func BenchmarkCanonical(b *testing.B) {
	raw := []byte("/gateway/orders/1.0/orders/12345/lines/%7Ename")
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer, _, _ = router.Canonical(buffer[:0], raw)
	}
}
