package provisioning_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPollFindsWhatNoEventTells writes through a memory mapping, of which the
// system tells nobody: name, length and events stay away, only content changes.
func TestPollFindsWhatNoEventTells(t *testing.T) {
	s := newSite(t, "postern.yaml", "postern.yaml", oneAPI("aaaa"))
	f, err := os.OpenFile(s.path("postern.yaml"), os.O_RDWR, 0)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	content, err := syscall.Mmap(int(f.Fd()), 0, len(oneAPI("aaaa")), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	must(t, err)
	defer func() { must(t, syscall.Munmap(content)) }()

	s.Poll = 20 * time.Millisecond
	s.run()
	s.Again() // so that the look with which Run begins is over
	s.waitNames("aaaa aaaa")
	copy(content[strings.Index(oneAPI("aaaa"), "aaaa"):], "bbbb")
	s.waitNames("aaaa aaaa bbbb")
}

// TestWatchesDoNotPileUp names another directory in each configuration.
func TestWatchesDoNotPileUp(t *testing.T) {
	named := func(n int) string {
		return oneAPI("a") + fmt.Sprintf("admin_api: {user: admin, password: {file: d%d/secret}}\n", n)
	}
	s := newSite(t, "postern.yaml", "d0/secret", "x", "postern.yaml", named(0)).run()
	for n := 1; n <= 8; n++ {
		s.write(fmt.Sprintf("d%d/secret", n), "x")
		s.write("postern.yaml", named(n))
		s.waitFor("the next directory", func() bool { return s.Last().Generation == uint64(n)+1 })
	}
	s.write("d8/secret", "y")
	s.waitFor("the new secret", func() bool { return s.Last().Generation == 10 })
	if n := watches(t); n != 2 {
		t.Errorf("%d directories are watched, want those of the file and of the secret", n)
	}
}

// watches counts what this process asks inotify to watch.
func watches(t *testing.T) (n int) {
	t.Helper()
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	must(t, err)
	for _, info := range infos {
		text, _ := os.ReadFile(info) // a descriptor that is closed since
		n += strings.Count(string(text), "inotify wd:")
	}
	return n
}
