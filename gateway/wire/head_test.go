package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/wire"
)

func readHead(t *testing.T, fields string) *message {
	t.Helper()
	m, err := readRequest("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHeadEdits(t *testing.T) {
	const fields = "X-A: 1\r\nX-B: 2\r\nx-a: 3\r\nX_A: 4\r\n"
	for _, tt := range []struct {
		name string
		edit func(h *wire.Head)
		want string
	}{
		{"nothing", func(*wire.Head) {}, fields},
		{"delete", func(h *wire.Head) { h.Del("X-A") }, "X-B: 2\r\n"},
		{"delete by twin", func(h *wire.Head) { h.Del("x_a") }, "X-B: 2\r\n"},
		{"delete what is not there", func(h *wire.Head) { h.Del("X-C") }, fields},
		{"set", func(h *wire.Head) { h.Set("X-A", "9") }, "X-B: 2\r\nX-A: 9\r\n"},
		{"set twice", func(h *wire.Head) { h.Set("X-A", "8"); h.Set("x-a", "9") }, "X-B: 2\r\nx-a: 9\r\n"},
		{"set anew", func(h *wire.Head) { h.Set("X-C", "") }, fields + "X-C: \r\n"},
		{"set a borrowed value", func(h *wire.Head) {
			value := []byte("9")
			h.SetBytes("X-B", value)
			value[0] = '!'
		}, "X-A: 1\r\nx-a: 3\r\nX_A: 4\r\nX-B: 9\r\n"},
		{"set to its own value", func(h *wire.Head) {
			h.Set("X-B", strings.Repeat("long", 100))
			h.SetBytes("X-B", h.Get("X-B"))
		}, "X-A: 1\r\nx-a: 3\r\nX_A: 4\r\nX-B: " + strings.Repeat("long", 100) + "\r\n"},
		{"add", func(h *wire.Head) { h.Add("X-B", "9") }, fields + "X-B: 9\r\n"},
		{"delete what was added", func(h *wire.Head) { h.Add("X-C", "9"); h.Del("X-C") }, fields},
		{"rename", func(h *wire.Head) { h.Rename("X-a", "X-Cd") }, "X-Cd: 1\r\nX-B: 2\r\nX-Cd: 3\r\n"},
		{"rename in place of others", func(h *wire.Head) { h.Add("x_b", "9"); h.Rename("X-A", "x-B") }, "x-B: 1\r\nx-B: 3\r\n"},
		{"rename what is not there", func(h *wire.Head) { h.Rename("X-C", "X-A") }, fields},
		{"rename what was renamed", func(h *wire.Head) { h.Rename("X-B", "X-C"); h.Rename("X-C", "X-D") }, "X-A: 1\r\nX-D: 2\r\nx-a: 3\r\nX_A: 4\r\n"},
		{"edit", func(h *wire.Head) {
			h.Edit("X-a", func(dst, value []byte) []byte { return append(append(dst, value...), '0') })
		}, "X-A: 10\r\nX-B: 2\r\nx-a: 30\r\nX_A: 4\r\n"},
		{"edit to nothing", func(h *wire.Head) {
			h.Edit("X-A", func(dst, value []byte) []byte { return append(dst, strings.Trim(string(value), "1")...) })
		}, "X-B: 2\r\nx-a: 3\r\nX_A: 4\r\n"},
		{"edit what was edited", func(h *wire.Head) {
			for range 2 {
				h.Edit("X-B", func(dst, value []byte) []byte { return append(append(dst, value...), strings.Repeat("long", 50)...) })
			}
		}, "X-A: 1\r\nX-B: 2" + strings.Repeat("long", 100) + "\r\nx-a: 3\r\nX_A: 4\r\n"},
		{"edit what is gone", func(h *wire.Head) {
			h.Del("X-B")
			h.Edit("X-B", func(dst, _ []byte) []byte { return append(dst, '9') })
		}, "X-A: 1\r\nx-a: 3\r\nX_A: 4\r\n"},
		{"add many", func(h *wire.Head) {
			h.Del("X-A")
			for i := range 3 {
				h.Add("X-N", strings.Repeat(fmt.Sprint(i), 2))
			}
		}, "X-B: 2\r\nX-N: 00\r\nX-N: 11\r\nX-N: 22\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := readHead(t, fields)
			tt.edit(&m.head)
			if got := string(m.head.AppendForward(nil)); got != tt.want {
				t.Errorf("forwarded %q, want %q", got, tt.want)
			}
			if got := string(m.head.Append(nil)); got != "Host: a\r\n"+tt.want {
				t.Errorf("written %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHeadGet(t *testing.T) {
	m := readHead(t, "X-A:  1 \r\nx-a: 2\r\nX-Empty:\r\nConnection: X-Gone\r\nX-Gone: 1\r\n")
	for name, want := range map[string]string{"X-A": "1", "x-A": "1", "X-Gone": "", "X-None": "", "X-Empty": ""} {
		if got := string(m.head.Get(name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if m.head.Get("X-Empty") == nil || m.head.Get("X-None") != nil || m.head.Get("X-Gone") != nil {
		t.Error("an empty field and a missing one are not told apart")
	}
	m.head.Del("X-A")
	if got := m.head.Get("X-A"); got != nil {
		t.Errorf("removed field is %q", got)
	}
}

func TestHeadVisit(t *testing.T) {
	m := readHead(t, "X-A: 1\r\nX-B: 2\r\nX-A: 3\r\n")
	m.head.Del("X-B")
	m.head.Add("X-C", "4")
	var got []string
	m.head.Visit(func(name, value []byte) { got = append(got, string(name)+"="+string(value)) })
	if diff := cmp.Diff([]string{"Host=a", "X-A=1", "X-A=3", "X-C=4"}, got); diff != "" {
		t.Error(diff)
	}
}

// Policies read through fasthttp's header: what they read must be what is sent.
func TestHeadMirror(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		edit         func(h *wire.Head)
		want         []string // values of X-User
	}{
		{"set", "X-User: caller\r\n", func(h *wire.Head) { h.Set("X-User", "gateway") }, []string{"gateway"}},
		{"set in another case", "x-user: caller\r\nX-USER: caller\r\n", func(h *wire.Head) { h.Set("X-user", "gateway") }, []string{"gateway"}},
		{"delete", "X-User: caller\r\n", func(h *wire.Head) { h.Del("x-user") }, nil},
		{"add", "X-User: caller\r\n", func(h *wire.Head) { h.Add("X-User", "gateway") }, []string{"caller", "gateway"}},
		{"rename to", "X-User: caller\r\nX-A: 1\r\nx-a: 2\r\n", func(h *wire.Head) { h.Rename("X-A", "X-User") }, []string{"1", "2"}},
		{"rename from", "X-User: caller\r\nX-user: again\r\n", func(h *wire.Head) { h.Rename("X-User", "X-A") }, nil},
		{"take", "X-User: a\r\nX-User: b\r\n", func(h *wire.Head) { h.TakeList(nil, "X-User") }, nil},
		{"set what Connection has removed", "Connection: X-User\r\nX-User: caller\r\n", func(h *wire.Head) { h.Set("X-User", "gateway") }, []string{"gateway"}},
		{"delete what Connection has removed", "Connection: X-User\r\nX-User: caller\r\n", func(h *wire.Head) { h.Del("X-User") }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := readHead(t, tt.fields)
			tt.edit(&m.head)
			var read, sent []string
			for _, v := range m.header.PeekAll("X-User") {
				read = append(read, string(v))
			}
			m.head.Visit(func(name, value []byte) {
				if strings.EqualFold(string(name), "X-User") {
					sent = append(sent, string(value))
				}
			})
			if diff := cmp.Diff(tt.want, read); diff != "" {
				t.Errorf("read: %s", diff)
			}
			if diff := cmp.Diff(tt.want, sent); diff != "" {
				t.Errorf("sent: %s", diff)
			}
		})
	}
}

func TestHeadTakeList(t *testing.T) {
	m := readHead(t, "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nA: b\r\nx-forwarded-for: 3.3.3.3\r\n")
	if got := string(m.head.TakeList([]byte("XFF: "), "X-Forwarded-For")); got != "XFF: 1.1.1.1, 2.2.2.2, 3.3.3.3, " {
		t.Errorf("list is %q", got)
	}
	if got := string(m.head.TakeList(nil, "X-Forwarded-For")); got != "" {
		t.Errorf("taken twice: %q", got)
	}
	if got := string(m.head.AppendForward(nil)); got != "A: b\r\n" {
		t.Errorf("left over: %q", got)
	}
}

func TestHeadDropForwarded(t *testing.T) {
	m := readHead(t, "Forwarded: for=1\r\nX-Forwarded-For: 1\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 1\r\nVia: 1.1 a\r\nX-Forwarded-Custom: 1\r\n")
	m.head.DropForwarded()
	if got := string(m.head.AppendForward(nil)); got != "Via: 1.1 a\r\n" {
		t.Errorf("left over: %q", got)
	}
	if got := m.header.Peek("X-Forwarded-For"); got != nil {
		t.Errorf("policies still read %q", got)
	}
}

// A head is used for one message after the other.
func TestHeadReset(t *testing.T) {
	m := readHead(t, "X-A: 1\r\n")
	m.head.Set("X-B", "2")
	m.head.Reset()
	if got := string(m.head.Append(nil)); got != "" {
		t.Errorf("left over: %q", got)
	}
	m.head.Set("X-A", "3")
	if got := m.header.Peek("X-A"); string(got) != "1" {
		t.Errorf("the old request's header was changed to %q", got)
	}
	if got := string(m.head.Append(nil)); got != "X-A: 3\r\n" {
		t.Errorf("written %q", got)
	}
}

func TestValid(t *testing.T) {
	for value, want := range map[string]bool{"": true, "a b\tc": true, "\xe4": true, "a\rb": false, "a\nb": false, "\x00": false, "\x7f": false} {
		if wire.Valid(value) != want {
			t.Errorf("Valid(%q) is %v", value, !want)
		}
	}
}
