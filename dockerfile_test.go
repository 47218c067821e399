//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dockerfile is one with two stages: a build, and what is kept of it.
type dockerfile struct{ build, last []instruction }

// instruction is a line: COPY with the flag chown and two arguments.
type instruction struct {
	name  string
	flags map[string]string
	text  string // what follows name and flags
}

var (
	continued = regexp.MustCompile(`\\\n`)
	flag      = regexp.MustCompile(`^--([a-z-]+)=(\S+)\s+`)
	quoted    = regexp.MustCompile(`([\w.]+)="([^"]*)"`)
)

func readDockerfile(t *testing.T, path string) (d dockerfile) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stages := 0
	for line := range strings.Lines(continued.ReplaceAllString(string(text), " ")) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		i := instruction{name: name, flags: map[string]string{}, text: strings.TrimSpace(rest)}
		for m := flag.FindStringSubmatch(i.text); m != nil; m = flag.FindStringSubmatch(i.text) {
			i.flags[m[1]], i.text = m[2], i.text[len(m[0]):]
		}
		if name == "FROM" {
			stages++
		}
		if stages == 1 {
			d.build = append(d.build, i)
		} else {
			d.last = append(d.last, i)
		}
	}
	if stages != 2 || d.last[0].text != "scratch" {
		t.Fatalf("%d stages, the last from %q; want two, the last from scratch", stages, d.last[0].text)
	}
	return d
}

// assemble runs the build stage and unpacks the last one.
func (d dockerfile) assemble(t *testing.T) image {
	t.Helper()
	workdir, source := d.runBuild(t)
	// The user of the image shall get there, and no further.
	root := filepath.Join(t.TempDir(), "root")
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	i := image{root: root, labels: map[string]string{}}
	for _, in := range d.last[1:] {
		switch in.name {
		case "ARG", "EXPOSE":
		case "LABEL":
			for _, m := range quoted.FindAllStringSubmatch(in.text, -1) {
				i.labels[m[1]] = m[2]
			}
		case "COPY":
			from, to, _ := strings.Cut(in.text, " ")
			if inside, ok := strings.CutPrefix(from, workdir+"/"); ok {
				from = filepath.Join(source, inside)
			}
			unpack(t, in.flags, from, root+to)
		case "USER":
			i.user = in.text
		case "VOLUME":
			i.volume = in.text
		case "STOPSIGNAL":
			i.stop = in.text
		case "HEALTHCHECK":
			i.healthy = list(t, strings.TrimPrefix(in.text, "CMD "))
		case "ENTRYPOINT":
			i.entrypoint = list(t, in.text)
		case "CMD":
			i.command = list(t, in.text)
		default:
			t.Fatalf("%s: the test does not know this instruction", in.name)
		}
	}
	return i
}

// runBuild runs the build stage in a copy of the context. It returns what the
// file calls the folder, and where it is.
func (d dockerfile) runBuild(t *testing.T) (workdir, source string) {
	t.Helper()
	source = t.TempDir()
	ignored, err := os.ReadFile(".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range d.build {
		switch in.name {
		case "FROM", "ARG":
		case "WORKDIR":
			workdir = in.text
		case "COPY":
			names, _, _ := strings.Cut(in.text, " ./")
			if names == ". ." {
				names = contextWithout(t, strings.Fields(string(ignored)))
			}
			args := append(strings.Fields(names), source)
			if out, err := exec.Command("cp", append([]string{"-R"}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		case "RUN":
			c := exec.Command("sh", "-ec", in.text)
			c.Dir = source
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", in.text, err, out)
			}
		default:
			t.Fatalf("%s: the test does not know this instruction", in.name)
		}
	}
	return workdir, source
}

// contextWithout are the names in the context, less those that are ignored.
func contextWithout(t *testing.T, ignored []string) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	skip := map[string]bool{}
	for _, name := range ignored {
		skip[name] = true
	}
	var names []string
	for _, entry := range entries {
		if !skip[entry.Name()] {
			names = append(names, entry.Name())
		}
	}
	return strings.Join(names, " ")
}

// unpack does one COPY: what it copies is root's unless chown says whose.
func unpack(t *testing.T, flags map[string]string, from, to string) {
	t.Helper()
	if strings.HasSuffix(to, "/") {
		to += filepath.Base(from)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-rT", "--preserve=mode", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	owner := flags["chown"]
	if owner == "" {
		owner = "0:0"
	}
	if out, err := exec.Command("chown", "-R", owner, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
