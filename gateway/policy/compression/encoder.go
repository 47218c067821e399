package compression

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	brotli "github.com/molecule-man/go-brrr"
)

// encoder is one content coding at work.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(to io.Writer)
}

// Windows bound what an encoder remembers, on either side.
const (
	zstdWindow   = 256 << 10
	brotliWindow = 18 // bits
)

// coding is one that is spoken, with encoders that rest.
type coding struct {
	name  string
	make  func() encoder
	idle  sync.Pool
	count counts
}

func newCoding(name, level string) *coding {
	return &coding{name: name, make: makers[name](level)}
}

// get borrows an encoder that writes to to.
func (c *coding) get(to io.Writer) encoder {
	e, ok := c.idle.Get().(encoder)
	if !ok {
		e = c.make()
	}
	e.Reset(to)
	return e
}

func (c *coding) put(e encoder) {
	e.Reset(nil)
	c.idle.Put(e)
}

// makers make encoders of a level. Their options are right for all levels there
// are, so that they cannot fail.
var makers = map[string]func(level string) func() encoder{
	"gzip": func(level string) func() encoder {
		n := map[string]int{"fastest": 1, "default": 5, "best": 9}[level]
		return func() encoder {
			w, _ := gzip.NewWriterLevel(nil, n)
			return w
		}
	},
	"br": func(level string) func() encoder {
		n := map[string]int{"fastest": 1, "default": 4, "best": 6}[level]
		return func() encoder {
			w, _ := brotli.NewWriterOptions(nil, n, brotli.WriterOptions{LGWin: brotliWindow})
			return w
		}
	},
	"zstd": func(level string) func() encoder {
		n := map[string]zstd.EncoderLevel{"fastest": zstd.SpeedFastest, "default": zstd.SpeedDefault, "best": zstd.SpeedBetterCompression}[level]
		return func() encoder {
			w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(n), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
			return w
		}
	},
}
