package config

import "time"

// Concurrency bounds how many requests are under way at once, from their
// identification to the last byte of their answer.
type Concurrency struct {
	Max      int       `yaml:"max"`      // with Adaptive default 1000
	Queue    *Queue    `yaml:"queue"`    // nil: nobody waits
	Adaptive *Adaptive `yaml:"adaptive"` // nil: Max is the bound
}

// Adaptive lets the bound follow how long the upstream takes.
type Adaptive struct {
	Word   string   // AdaptiveOn, instead of the keys
	Target Duration `yaml:"target"` // for nearly all requests; zero: learned
}

// AdaptiveOn is the word for a bound whose target is learned.
const AdaptiveOn = "true"

func (c *Concurrency) setDefaults() {
	if c.Adaptive != nil {
		setDefault(&c.Max, 1000)
	}
	if c.Queue != nil {
		setDefault(&c.Queue.Size, 100)
		setDefault(&c.Queue.Wait, Duration(time.Second))
	}
}

func (v *checker) concurrency(path []any, c *Concurrency) {
	if c == nil {
		return
	}
	if c.Max == 0 {
		v.add(at(path, "max"), "missing: say how many, or adaptive: true")
	}
	if c.Max > 1_000_000 {
		v.add(at(path, "max"), "must be at most 1000000")
	}
	if c.Queue != nil && c.Queue.Size > 1_000_000 {
		v.add(at(path, "queue", "size"), "must be at most 1000000")
	}
	if c.Adaptive != nil && c.Adaptive.Word == "" && c.Adaptive.Target == 0 {
		v.add(at(path, "adaptive", "target"), "missing: say true to have it learned")
	}
	if c.Adaptive != nil && c.Queue != nil {
		v.warn(at(path, "queue"), "what waits here takes longer for it: adaptive alone keeps answers fast")
	}
}
