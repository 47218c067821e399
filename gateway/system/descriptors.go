//go:build unix

package system

import (
	"syscall"

	"go.uber.org/zap"
)

// reserve of descriptors is for listeners, watched directories, logs, key
// fetches, and connections to upstreams that wait to be used again.
const reserve = 128

// CheckDescriptors warns when the process may not have as many open files as its
// connections can need: each is one to a caller and one to an upstream. Nothing
// has to be raised: Go raises the soft limit to the hard one when it starts.
func CheckDescriptors(log *zap.Logger, connections int) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("read the limit of open files", zap.Error(err))
		return
	}
	// Go leaves the soft limit one below the hard one.
	if has, needs := uint64(limit.Max), 2*uint64(connections)+reserve; has < needs {
		log.Warn("fewer open files are allowed than limits.connections can need",
			zap.Uint64("limit", has), zap.Int("connections", connections), zap.Uint64("needed", needs))
	}
}
