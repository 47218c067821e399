package destination

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// NewLog makes a destination of lines in the log.
func NewLog(o Options, level zapcore.Level, log *zap.Logger) *Destination {
	return newDestination(o, &logSink{level, log}, pace{gather: 20 * time.Millisecond, batch: 1000, bytes: 1 << 20})
}

type logSink struct {
	level zapcore.Level
	log   *zap.Logger
}

func (s *logSink) write(_ context.Context, lines []byte) outcome {
	for line := range bytes.Lines(lines) {
		if c := s.log.Check(s.level, "event"); c != nil {
			c.Write(zap.Reflect("event", json.RawMessage(bytes.Clone(bytes.TrimSuffix(line, []byte{'\n'})))))
		}
	}
	return outcome{}
}

func (s *logSink) close() {}
