package provisioning

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// How long the watched directories must be quiet before a look, and how long
// after the first event a look comes even when they are not.
const (
	quiet   = 50 * time.Millisecond
	patient = 250 * time.Millisecond
)

// watch says that something near the followed files has changed; what it is,
// the look finds out.
//
// Why directories: editors replace files, and Kubernetes swaps a symbolic link
// some steps away. A watch on a file follows the link and dies with its target;
// the directory that holds the file, or a link on the way to it, hears of both.
// Why no filter by name: the swap is an event of "..data", a name that no
// configuration mentions.
type watch struct {
	notify *fsnotify.Watcher // nil: the system gives no events; the poll must do
	dirs   map[string]fs.FileInfo
	missed map[string]bool // directories that could not be watched, each logged once
	log    *zap.Logger
}

func newWatch(log *zap.Logger) *watch {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("no events of changed files, only the poll finds them", zap.Error(err))
	}
	return &watch{notify: notify, dirs: map[string]fs.FileInfo{}, missed: map[string]bool{}, log: log}
}

func (w *watch) close() {
	if w.notify != nil {
		_ = w.notify.Close() // it only gives back what the process holds
	}
}

// events is nil, and blocks for ever, without a watcher.
func (w *watch) events() <-chan fsnotify.Event {
	if w.notify == nil {
		return nil
	}
	return w.notify.Events
}

// errors is like events. An error, as an overflow, may stand for lost events.
func (w *watch) errors() <-chan error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Errors
}

// follow makes the directories that matter to files the watched ones. It
// reports whether one is new, since what happened there before was not heard.
func (w *watch) follow(files []string) bool {
	if w.notify == nil {
		return false
	}
	want := map[string]fs.FileInfo{}
	for _, file := range files {
		for _, dir := range places(file) {
			if _, known := want[dir]; !known {
				want[dir] = nil
			}
		}
	}
	alive := w.notify.WatchList()
	for dir := range want {
		info, err := os.Stat(dir)
		if err != nil {
			delete(want, dir) // gone since; its parent's event or the poll comes back here
			continue
		}
		want[dir] = info
	}
	for dir, info := range w.dirs {
		if now := want[dir]; now == nil || !os.SameFile(info, now) || !slices.Contains(alive, dir) {
			_ = w.notify.Remove(dir) // the system may have removed it with the directory
			delete(w.dirs, dir)
		}
	}
	return w.add(want)
}

// add watches the directories that are not watched yet.
func (w *watch) add(want map[string]fs.FileInfo) (added bool) {
	for _, dir := range slices.Sorted(maps.Keys(want)) {
		if w.dirs[dir] != nil {
			continue
		}
		if err := w.notify.Add(dir); err != nil {
			if !w.missed[dir] {
				w.log.Warn("directory cannot be watched, only the poll looks at it", zap.String("directory", dir), zap.Error(err))
				w.missed[dir] = true
			}
			continue
		}
		delete(w.missed, dir)
		w.dirs[dir] = want[dir]
		added = true
	}
	return added
}

// places returns the directories in which a change can change what is read at
// path: the one that holds it, and those that hold a symbolic link on the way.
// Of what is missing it is the nearest directory that is there.
func places(path string) []string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	var dirs []string
	for range 40 { // as many links as systems follow
		link, target := firstLink(path)
		if link == "" {
			break
		}
		dirs = append(dirs, filepath.Dir(link))
		path = filepath.Join(target, path[len(link):])
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dirs = append(dirs, path)
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			return append(dirs, dir)
		}
	}
}

// firstLink returns the first part of path that is a symbolic link, and where
// it leads; "" when none is.
func firstLink(path string) (link, target string) {
	for end := 1; end <= len(path); end++ {
		if end < len(path) && !os.IsPathSeparator(path[end]) {
			continue
		}
		target, err := os.Readlink(path[:end])
		if err != nil {
			continue
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path[:end]), target)
		}
		return path[:end], target
	}
	return "", ""
}
