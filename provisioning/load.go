package provisioning

import (
	"os"
	"path/filepath"

	"postern/provisioning/config"
	"postern/provisioning/settings"
)

// Sources are where a configuration comes from.
type Sources struct {
	Paths   []string // files and directories, in order
	Environ []string // as os.Environ writes it
	Strict  bool     // warnings are faults
	// Arguments are settings of the command line, which win over all others.
	Arguments []settings.Argument
	// Vendor says that the command line is one of webMethods Microgateway.
	Vendor bool
}

// Loaded is the outcome of one load. Beside an error only Hash, Files and
// Current count.
type Loaded struct {
	Config   *config.Config
	Warnings Report
	Hash     string   // SHA-256 over all that was read, missing files and variables included
	Files    []string // absolute: every file and directory read or looked for, sorted
	// Current is what Hash would be if the same was read now; it parses nothing.
	Current func() string
	// Locate turns the faults of building a gateway from Config into issues. It
	// keeps the parsed bundle in memory, so do not keep it longer than needed.
	Locate func(config.Faults) Report
}

// DefaultPaths are the sources when none is named: postern.yaml in the working
// directory, else /etc/postern, whichever is there; none when neither is, which
// Load reports.
func DefaultPaths() []string {
	for _, path := range []string{"postern.yaml", "/etc/postern"} {
		if _, err := os.Stat(path); err == nil {
			return []string{path}
		}
	}
	return nil
}

// Load reads all sources into one configuration. It touches nothing but files.
// The error is a Report that holds every fault; Loaded is there in any case.
// Where running is not nil, settings that only a restart can change must be as
// there.
func Load(s Sources, running *config.Config) (*Loaded, error) {
	l := &loader{files: settings.NewFiles(s.Environ)}
	loaded := l.load(s, running)
	loaded.Hash, loaded.Files, loaded.Current = l.files.Hash(), l.files.Paths(), l.files.Again()
	faults, warnings := l.report.sort().split()
	if s.Strict {
		faults, warnings = l.report, nil
	}
	loaded.Warnings = warnings
	if len(faults) > 0 {
		loaded.Config = nil
		return loaded, faults
	}
	return loaded, nil
}

// Glance is what the sources say as far as they can be read, with defaults for
// the rest. It may have faults: it is for finding a gateway that may still run
// on what the sources said before.
func Glance(s Sources) *config.Config {
	l := &loader{files: settings.NewFiles(s.Environ)}
	cfg := l.load(s, nil).Config
	cfg.SetDefaults()
	return cfg
}

// loader is one Load under way.
type loader struct {
	files  *settings.Files
	docs   []*settings.Node
	report Report
	bare   bool // no file is needed
	lost   bool // something could not be read at all, so what is missing cannot be judged
}

func (l *loader) load(s Sources, running *config.Config) *Loaded {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "/"
	}
	// The settings of webMethods need no file, but a gateway that serves APIs does not
	// lose them with the files that said them.
	l.bare = (s.Vendor || settings.SpeaksVendor(s.Environ)) && (running == nil || len(running.APIs) == 0)
	if len(s.Paths) == 0 && !l.bare {
		l.lose("postern", "no configuration is named, and neither postern.yaml nor /etc/postern is there: name a file or a directory with -c")
	}
	for _, path := range s.Paths {
		l.source(path, cwd)
	}

	tree, faults := settings.NewTree(l.docs, &settings.Source{Name: "postern", Dir: cwd})
	l.add(faults)
	l.add(tree.Overlay(l.files, cwd))
	l.add(tree.Override(s.Arguments, cwd))
	if s.Vendor {
		tree.AsVendor(cwd)
	}
	translated, warnings := tree.Translate()
	l.add(translated)
	l.warn(warnings)
	decoded := tree.Decode(l.files)
	l.add(decoded.Faults)
	locate := func(faults config.Faults) Report {
		var found Report
		for _, fault := range faults {
			if !decoded.Covers(fault.Path) {
				found = append(found, issueAt(tree, fault))
			}
		}
		return found.sort()
	}
	if !l.lost {
		decoded.Config.SetDefaults()
		l.report = append(l.report, locate(decoded.Config.Validate())...)
		l.report = append(l.report, locate(decoded.Config.Fixed(running))...)
	}
	return &Loaded{Config: decoded.Config, Locate: locate}
}

func (l *loader) add(faults []settings.Fault) {
	for _, fault := range faults {
		l.report = append(l.report, issueOf(fault))
	}
}

func (l *loader) warn(warnings []settings.Fault) {
	for _, warning := range warnings {
		issue := issueOf(warning)
		issue.Warning = true
		l.report = append(l.report, issue)
	}
}

// lose reports a source that could not be read.
func (l *loader) lose(source, message string) {
	l.report = append(l.report, Issue{File: source, Message: message})
	l.lost = true
}

// source reads a file, or the YAML files of a directory.
func (l *loader) source(path, cwd string) {
	absolute := path
	if !filepath.IsAbs(path) {
		absolute = filepath.Join(cwd, path)
	}
	names, isDir, err := l.files.List(absolute)
	switch {
	case !isDir:
		l.file(path, absolute)
	case err != nil:
		l.lose(path, "read directory: "+err.Error())
	case len(names) == 0 && !l.bare:
		l.lose(path, "the directory holds no *.yaml or *.yml file")
	}
	for _, name := range names {
		l.file(filepath.Join(path, name), filepath.Join(absolute, name))
	}
}

func (l *loader) file(shown, absolute string) {
	data, err := l.files.ReadYAML(absolute)
	if err != nil {
		l.lose(shown, err.Error())
		return
	}
	docs, faults := settings.Parse(&settings.Source{Name: shown, Dir: filepath.Dir(absolute)}, data)
	l.lost = l.lost || len(docs) == 0
	l.docs = append(l.docs, docs...)
	l.add(faults)
}

// issueAt gives a fault its place.
func issueAt(tree *settings.Tree, fault config.Fault) Issue {
	place, path := tree.Locate(fault.Path)
	issue := Issue{place.File, place.Line, place.Column, path, fault.Message, fault.Warning}
	if fault.Also != nil {
		issue.Message += seeAlso(tree.Locate(fault.Also))
	}
	return issue
}
