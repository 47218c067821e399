package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What is read is bounded: a bundle that names /dev/zero is a fault, not the
// end of the process.
const (
	maxYAML = 32 << 20
	maxFile = 1 << 20
)

// Files reads what one load needs and remembers all of it, so that the load
// can be compared with the next one. Each file is read once.
type Files struct {
	environ map[string]string
	asked   map[string]bool // variables that were looked at
	read    map[string]content
	listed  map[string][]string // directory → names of its YAML files
}

type content struct {
	data  []byte
	err   error
	limit int64
}

// NewFiles sees the environment as os.Environ writes it.
func NewFiles(environ []string) *Files {
	f := &Files{map[string]string{}, map[string]bool{}, map[string]content{}, map[string][]string{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			f.environ[name] = value
		}
	}
	return f
}

// Read returns a file of at most limit bytes. Errors name no path.
func (f *Files) Read(path string, limit int64) ([]byte, error) {
	if c, ok := f.read[path]; ok {
		return c.data, c.err
	}
	data, err := readRegular(path, limit)
	f.read[path] = content{data, err, limit}
	return data, err
}

// ReadYAML returns a file of settings.
func (f *Files) ReadYAML(path string) ([]byte, error) { return f.Read(path, maxYAML) }

// readRegular never waits: a pipe or a device is refused.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, reason(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, reason(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, nil
}

// reason drops the path of err: faults name it in their own way.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// List returns the YAML files of a directory in lexical order, and whether
// path is one. It neither descends nor takes dot names.
func (f *Files) List(path string) (names []string, isDir bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return nil, false, nil // Read says what is wrong with it
	}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if (ext == ".yaml" || ext == ".yml") && e.Name()[0] != '.' {
			names = append(names, e.Name())
		}
	}
	f.listed[path] = names
	if err != nil {
		return nil, true, reason(err)
	}
	return names, true, nil
}

// Getenv returns a variable and remembers that it was asked for.
func (f *Files) Getenv(name string) (value string, ok bool) {
	f.asked[name] = true
	value, ok = f.environ[name]
	return value, ok
}

// Paths are all files and directories that were read or looked for, sorted.
func (f *Files) Paths() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for path := range maps.Keys(f.read) {
			if !yield(path) {
				return
			}
		}
		for path := range maps.Keys(f.listed) {
			if !yield(path) {
				return
			}
		}
	})
}

// Hash is the SHA-256 over the names and contents of all that was read, of what
// was missing, and of the variables that were asked for.
func (f *Files) Hash() string {
	h := sha256.New()
	for _, path := range f.Paths() {
		if names, ok := f.listed[path]; ok {
			fmt.Fprintf(h, "dir %q %q\n", path, names)
			continue
		}
		c := f.read[path]
		fmt.Fprintf(h, "file %q %v %d\n", path, c.err, len(c.data))
		h.Write(c.data)
	}
	for _, name := range slices.Sorted(maps.Keys(f.asked)) {
		value, ok := f.environ[name]
		fmt.Fprintf(h, "env %q %t %q\n", name, ok, value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Again returns a function that reads the same again and tells what Hash would
// be now. It parses nothing, and keeps nothing that was read.
func (f *Files) Again() func() string {
	environ, asked, dirs := f.environ, f.asked, slices.Collect(maps.Keys(f.listed))
	limits := make(map[string]int64, len(f.read))
	for path, c := range f.read {
		limits[path] = c.limit
	}
	return func() string {
		now := &Files{environ, asked, map[string]content{}, map[string][]string{}}
		for _, dir := range dirs {
			_, _, _ = now.List(dir) // what is wrong with it is in the hash, as missing names
		}
		for path, limit := range limits {
			_, _ = now.Read(path, limit)
		}
		return now.Hash()
	}
}
