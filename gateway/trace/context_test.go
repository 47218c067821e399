package trace_test

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/gateway/trace"
)

const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// The rules are those of W3C Trace Context 3.2.2 and 4.3.
func TestContinue(t *testing.T) {
	for _, tt := range []struct {
		name, field string
		ok, sampled bool
	}{
		{"sampled", good, true, true},
		{"not sampled", good[:53] + "00", true, false},
		{"flags of later levels", good[:53] + "03", true, true},
		{"only flags of later levels", good[:53] + "fe", true, false},
		{"later version", "cc" + good[2:], true, true},
		{"later version with more", "cc" + good[2:] + "-what-the-future-will-be-like", true, true},
		{"later version with a dash", "cc" + good[2:] + "-", true, true},
		{"later version, more without a dash", "cc" + good[2:] + ".what", false, false},
		{"version 00 with more", good + "-what", false, false},
		{"version 00 with a dash", good + "-", false, false},
		{"forbidden version", "ff" + good[2:], false, false},
		{"version of one digit", "0" + good[2:], false, false},
		{"version that is no hex", "qq" + good[2:], false, false},
		{"no trace id", "00-" + strings.Repeat("0", 32) + good[35:], false, false},
		{"no parent id", good[:36] + strings.Repeat("0", 16) + good[52:], false, false},
		{"upper case in the trace id", strings.Replace(good, "0af7", "0AF7", 1), false, false},
		{"upper case in the parent id", strings.Replace(good, "b7ad", "B7AD", 1), false, false},
		{"upper case in the version", "CC" + good[2:], false, false},
		{"trace id that is no hex", strings.Replace(good, "0af7", "0ag7", 1), false, false},
		{"parent id that is no hex", strings.Replace(good, "b7ad", "b7a.", 1), false, false},
		{"flags that are no hex", good[:53] + "0x", false, false},
		{"flags of one digit", good[:54], false, false},
		{"trace id too short", "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-010", false, false},
		{"other separators", strings.ReplaceAll(good, "-", "_"), false, false},
		{"space before", " " + good, false, false},
		{"list", good + "," + good, false, false},
		{"empty", "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, ok := trace.Continue([]byte(tt.field))
			if ok != tt.ok || c.Sampled != tt.sampled || c.Valid() != tt.ok {
				t.Fatalf("%v, %+v; want %v, sampled %v", ok, c, tt.ok, tt.sampled)
			}
			if !ok {
				return
			}
			if got := string(c.AppendID(nil)); got != "0af7651916cd43dd8448eb211c80319c" {
				t.Errorf("trace %s", got)
			}
			if c.Parent != (trace.SpanID{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31}) {
				t.Errorf("parent %x", c.Parent)
			}
		})
	}
}

func TestAppendParent(t *testing.T) {
	c, _ := trace.Continue([]byte(good))
	c.Forward = trace.SpanID{1, 2, 3, 4, 5, 6, 7, 0xff}
	if got := string(c.AppendParent(nil)); got != "00-0af7651916cd43dd8448eb211c80319c-01020304050607ff-01" {
		t.Errorf("sampled: %s", got)
	}
	c.Sampled = false
	if got := string(c.AppendParent([]byte("x: "))); got != "x: 00-0af7651916cd43dd8448eb211c80319c-01020304050607ff-00" {
		t.Errorf("not sampled: %s", got)
	}
	if got := new(trace.Context).AppendID(nil); got != nil {
		t.Errorf("no trace: %q", got)
	}
}

var parentForm = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`)

func TestIDsAreNotRepeated(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := trace.Begin()
		if c.Sampled || !c.Valid() || c.Parent != (trace.SpanID{}) || c.Span == c.Forward {
			t.Fatalf("%+v", c)
		}
		text := string(c.AppendParent(nil))
		if !parentForm.MatchString(text) {
			t.Fatal(text)
		}
		for _, id := range []string{string(c.ID[:]), string(c.Span[:]), string(c.Forward[:])} {
			if seen[id] {
				t.Fatalf("%x twice", id)
			}
			seen[id] = true
		}
	}
}

func FuzzContinue(f *testing.F) {
	for _, seed := range []string{good, good + "-", "cc" + good[2:] + "-x", "", "00-", strings.Repeat("0", 55)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, field []byte) {
		before := bytes.Clone(field)
		c, ok := trace.Continue(field)
		if !bytes.Equal(before, field) {
			t.Fatal("the field was changed")
		}
		if !ok {
			if c != (trace.Context{}) {
				t.Fatalf("refused, with %+v", c)
			}
			return
		}
		c.Forward = c.Parent
		sent := c.AppendParent(nil)
		if !parentForm.Match(sent) || !bytes.Equal(sent[3:52], field[3:52]) {
			t.Fatalf("%q became %q", field, sent)
		}
		again, ok := trace.Continue(sent)
		if !ok || again.ID != c.ID || again.Parent != c.Parent || again.Sampled != c.Sampled {
			t.Fatalf("%q is not what %q was", sent, field)
		}
	})
}

func TestRatio(t *testing.T) {
	const all = 100_000
	now := time.Unix(1, 0)
	for _, tt := range []struct {
		ratio     float64
		low, high int // further than 20 standard deviations
	}{{0, 0, 0}, {0.001, 1, 400}, {0.1, 8000, 12000}, {0.5, 46000, 54000}, {1, all, all}} {
		s, got := trace.NewSampler(tt.ratio, math.MaxInt32), 0
		for i := range all {
			if s.Root(now.Add(time.Duration(i) * time.Millisecond)) {
				got++
			}
		}
		if got < tt.low || got > tt.high {
			t.Errorf("%v: %d of %d", tt.ratio, got, all)
		}
	}
}

func TestLimit(t *testing.T) {
	s, now := trace.NewSampler(1, 10), time.Unix(1, 0)
	take := func(asked int) (got int) {
		for range asked {
			if s.Wish(now) {
				got++
			}
		}
		return got
	}
	if got := take(100); got != 10 {
		t.Errorf("%d at once, want 10", got)
	}
	now = now.Add(500 * time.Millisecond)
	if got := take(100); got != 5 {
		t.Errorf("%d after half a second, want 5", got)
	}
	now = now.Add(time.Hour)
	if got := take(100); got != 10 {
		t.Errorf("%d after an hour, want 10", got)
	}
	if s.Root(now) {
		t.Error("a trace that begins here is sampled beyond the limit")
	}
}

func TestLimitHoldsForAllAtOnce(t *testing.T) {
	s, now := trace.NewSampler(1, 100), time.Unix(1, 0)
	var got atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if s.Root(now) {
					got.Add(1)
				}
			}
		})
	}
	all.Wait()
	if got.Load() != 100 {
		t.Errorf("%d, want 100", got.Load())
	}
}

func TestTextIsFitToBeSent(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"grün", "grün"},
		{"a\xff\xfeb", "a\uFFFDb"},
		{strings.Repeat("x", 2000), strings.Repeat("x", 1024)},
		{strings.Repeat("x", 1023) + "ü", strings.Repeat("x", 1023) + "\uFFFD"},
	} {
		if got := trace.Text("k", tt.in); got != (trace.Attribute{Key: "k", Text: tt.want}) {
			t.Errorf("%.20q: %+v", tt.in, got)
		}
	}
}
