package wire

import "testing"

// Looking at eight bytes together must not change what is refused.
func TestIsValueAgrees(t *testing.T) {
	base := []byte("abcdefghijklmnopqrstuvwxyz")
	for at := range base {
		for c := 0; c < 256; c++ {
			b := append([]byte(nil), base...)
			b[at] = byte(c)
			if isValue(b) != all(b, valueByte) {
				t.Fatalf("%q", b)
			}
			if at+1 < len(b) {
				for d := 0; d < 256; d++ {
					b[at+1] = byte(d)
					if isValue(b) != all(b, valueByte) {
						t.Fatalf("%q", b)
					}
				}
			}
		}
	}
}
