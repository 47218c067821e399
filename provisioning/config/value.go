package config

import (
	"net/netip"
	"time"
)

// Duration is a time span. After SetDefaults it is above zero or None.
type Duration time.Duration

// Size is a number of bytes. After SetDefaults it is above zero or NoSize.
type Size int64

// Ratio is a part of a whole. After SetDefaults it is above zero and at most 1,
// or NoRatio.
type Ratio float64

// None and NoSize are the word "none": no limit.
const (
	None   Duration = -1
	NoSize Size     = -1
)

// NoRatio is the word "none": nothing of it.
const NoRatio Ratio = -1

// Part is the ratio as a number from 0 to 1.
func (r Ratio) Part() float64 { return max(float64(r), 0) }

// Limit is the span as time.Duration; 0 means no limit.
func (d Duration) Limit() time.Duration {
	if d < 0 {
		return 0
	}
	return time.Duration(d)
}

// Limit is the size in bytes; 0 means no limit.
func (s Size) Limit() int64 {
	if s < 0 {
		return 0
	}
	return int64(s)
}

// Prefix is an address range; a single address is a range of one.
type Prefix struct{ netip.Prefix }

// File is a file that the bundle names, read while loading. Path is absolute.
// It prints as its path, never as its content.
type File struct {
	Path string
	Data []byte
}

// String is the path.
func (f File) String() string { return f.Path }

// IsZero reports whether no file was named.
func (f File) IsZero() bool { return f.Path == "" }
