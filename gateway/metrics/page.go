package metrics

import (
	"io"
	"strconv"
	"strings"
)

// page is the text of one scrape on its way to w.
type page struct {
	w     io.Writer
	lines []byte
}

// flushSize is how much of a page is gathered before it is written.
const flushSize = 64 << 10

// family is a name with what a reader must know of it.
type family struct{ name, kind, help string }

// begin announces the samples of a family, which follow without others between
// them.
func (p *page) begin(f family) {
	for _, s := range [...]string{"# HELP ", f.name, " ", f.help, "\n# TYPE ", f.name, " ", f.kind, "\n"} {
		p.lines = append(p.lines, s...)
	}
}

// count adds a sample of f; labels are written as in the text, without braces.
func (p *page) count(f family, labels string, n uint64) {
	p.series(f.name, labels)
	p.lines = strconv.AppendUint(p.lines, n, 10)
	p.end()
}

// value is count for what may have a fraction.
func (p *page) value(f family, labels string, v float64) {
	p.series(f.name, labels)
	if whole := int64(v); float64(whole) == v {
		p.lines = strconv.AppendInt(p.lines, whole, 10) // without an exponent
	} else {
		p.lines = strconv.AppendFloat(p.lines, v, 'g', -1, 64)
	}
	p.end()
}

// one is a family with a single sample.
func (p *page) one(f family, v float64) {
	p.begin(f)
	p.value(f, "", v)
}

func (p *page) series(name, labels string) {
	p.lines = append(p.lines, name...)
	if labels != "" {
		p.lines = append(append(append(p.lines, '{'), labels...), '}')
	}
	p.lines = append(p.lines, ' ')
}

func (p *page) end() {
	p.lines = append(p.lines, '\n')
	if len(p.lines) >= flushSize {
		p.flush()
	}
}

// flush writes what was gathered. A scraper that has gone away is not this
// gateway's trouble.
func (p *page) flush() {
	_, _ = p.w.Write(p.lines)
	p.lines = p.lines[:0]
}

// label writes a label; its value is escaped as the text format wants it.
func label(name, value string) string {
	if strings.ContainsAny(value, "\\\"\n") {
		value = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
	}
	return name + `="` + value + `"`
}

// boolean is 1 for true.
func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
