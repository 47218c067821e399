package destination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"postern/provisioning/config"
)

// NewFile makes a destination of a file with a line for each event. When it is
// full it becomes .1, and those before it .2 and so on.
//
// Why not lumberjack: its goroutine never ends, and it keeps writing to a file
// that somebody has moved away.
func NewFile(o Options, cfg config.EventFile) *Destination {
	s := &fileSink{path: string(cfg.Path), most: cfg.MaxSize.Limit(), files: cfg.MaxFiles}
	return newDestination(o, s, pace{gather: 50 * time.Millisecond, batch: 10_000, bytes: 1 << 20, retries: 10})
}

type fileSink struct {
	path  string
	most  int64 // bytes
	files int   // that are kept

	file *os.File // nil: not open
	size int64
}

func (s *fileSink) write(_ context.Context, lines []byte) outcome {
	if err := s.open(len(lines)); err != nil {
		return outcome{again: lines, err: fmt.Errorf("open file of events: %w", err)}
	}
	n, err := s.file.Write(lines)
	if err == nil {
		s.size += int64(n)
		return outcome{}
	}
	// A full disk has taken a part: the rest of its last line would spoil the next.
	whole := bytes.LastIndexByte(lines[:n], '\n') + 1
	err = errors.Join(err, s.file.Truncate(s.size+int64(whole)))
	s.close()
	return outcome{again: lines[whole:], err: fmt.Errorf("write file of events: %w", err)}
}

// open makes the file ready for n bytes: another one if it would grow beyond its
// size, or somebody has moved it away.
func (s *fileSink) open(n int) error {
	if s.file != nil {
		named, err := os.Stat(s.path)
		ours, wrong := s.file.Stat()
		if err != nil || wrong != nil || !os.SameFile(named, ours) {
			s.close()
		} else {
			s.size = ours.Size()
		}
	}
	if err := s.begin(); err != nil {
		return err
	}
	if s.size == 0 || s.size+int64(n) <= s.most {
		return nil
	}
	s.close()
	if err := s.rotate(); err != nil {
		return err
	}
	return s.begin()
}

func (s *fileSink) begin() error {
	if s.file != nil {
		return nil
	}
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	is, err := f.Stat()
	if err != nil {
		_ = f.Close() // nothing was written
		return err
	}
	s.file, s.size = f, is.Size()
	return nil
}

// rotate makes room for another file. The oldest goes.
func (s *fileSink) rotate() error {
	if s.files <= 1 {
		return os.Remove(s.path)
	}
	for i := s.files - 1; i > 1; i-- {
		err := os.Rename(s.numbered(i-1), s.numbered(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(s.path, s.numbered(1))
}

func (s *fileSink) numbered(i int) string { return fmt.Sprintf("%s.%d", s.path, i) }

func (s *fileSink) close() {
	if s.file != nil {
		_ = s.file.Close() // what was written has been reported
		s.file = nil
	}
}
