package system

import (
	"math"
	"os"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
)

// memoryShare of a cgroup's limit is for Go's heap and stacks; the rest is for
// what the collector does not count, and for the moment in which it works.
const memoryShare = 0.9

// LimitMemory makes the garbage collector respect the memory limit of the
// cgroup, so that it works harder instead of being killed. GOMEMLIMIT in the
// environment wins over it.
func LimitMemory(log *zap.Logger) {
	if chosen, ok := os.LookupEnv("GOMEMLIMIT"); ok {
		log.Info("memory limit", zap.String("from", "GOMEMLIMIT"), zap.String("limit", chosen))
		return
	}
	switch limit, err := memlimit.Set(memlimit.WithRatio(memoryShare)); {
	case err != nil:
		log.Info("no memory limit", zap.NamedError("reason", err))
	case limit == math.MaxInt64:
		log.Info("no memory limit", zap.NamedError("reason", memlimit.ErrNoLimit))
	default:
		log.Info("memory limit", zap.String("from", "cgroup"), zap.Int64("bytes", limit))
	}
}
