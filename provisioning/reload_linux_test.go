package provisioning_test

import (
	"os"
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
