package archive

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of what is read: an export is somebody else's file until it has been read.
const (
	maxFiles = 200_000   // in all
	maxFile  = 32 << 20  // bytes of one, unpacked
	maxTotal = 512 << 20 // bytes of all
	maxDepth = 2         // archives in archives
)

// kinds are what the base names of assets begin with.
var kinds = []string{
	"API", "Policy", "PolicyAction", "Application", "RegisteredApplication", "Strategy", "GatewayScope",
	"Alias", "Keystore", "Truststore", "PassmanData", "AdministratorSetting", "User", "Group", "AccessProfile",
}

// asset is one file of an export.
type asset struct {
	kind, id string
	from     string // the archive, and the path in it
	data     []byte
}

// reader reads exports into assets.
type reader struct {
	assets []asset
	files  int
	left   int64 // bytes that may still be unpacked
}

var (
	errFiles = fmt.Errorf("more than %d files", maxFiles)
	errSize  = errors.New("unpacks to more than is read of an export")
	errDepth = errors.New("holds archives in archives in archives")
)

// read adds an archive, a folder of archives, or an unpacked export.
func (r *reader) read(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return r.folder(name)
	case info.Size() > maxTotal:
		return errSize
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return r.archive(filepath.Base(name), data, 1)
}

// folder reads the archives of a folder in the order of their names, or the files of
// an unpacked export. Links are not followed.
func (r *reader) folder(name string) error {
	root := os.DirFS(name)
	return fs.WalkDir(root, ".", func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.Type().IsRegular():
			return nil
		case !isArchive(at) && kindOf(at) == "":
			return nil
		}
		file, err := root.Open(at)
		if err != nil {
			return err
		}
		defer file.Close()
		return r.file(path.Join(filepath.Base(name), at), at, file, 1)
	})
}

func isArchive(name string) bool { return strings.EqualFold(path.Ext(name), ".zip") }

// archive reads the entries of one.
func (r *reader) archive(from string, data []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: %w", from, errDepth)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are compared, and no file is written
		return fmt.Errorf("%s: %w", from, err)
	}
	entries := slices.Clone(z.File)
	slices.SortStableFunc(entries, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, entry := range entries {
		if err := r.entry(from, entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(from string, entry *zip.File, depth int) error {
	if r.files++; r.files > maxFiles {
		return errFiles
	}
	if !entry.Mode().IsRegular() || !isArchive(entry.Name) && kindOf(entry.Name) == "" {
		return nil
	}
	content, err := entry.Open()
	if err != nil {
		return fmt.Errorf("%s: %s: %w", from, shorten(entry.Name), err)
	}
	defer content.Close()
	return r.file(from+": "+shorten(entry.Name), entry.Name, content, depth)
}

// file reads one, which is an asset or another archive.
func (r *reader) file(from, name string, content io.Reader, depth int) error {
	data, err := io.ReadAll(io.LimitReader(content, min(maxFile, r.left)+1))
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if r.left -= int64(len(data)); r.left < 0 || len(data) > maxFile {
		return fmt.Errorf("%s: %w", from, errSize)
	}
	if isArchive(name) {
		return r.archive(from, data, depth+1)
	}
	kind := kindOf(name)
	r.assets = append(r.assets, asset{kind, strings.TrimPrefix(base(name), kind+"."), from, data})
	return nil
}

// base is the last part of a path, with its escapes undone: some versions write
// %40 for an at sign.
func base(name string) string {
	last := path.Base(strings.ReplaceAll(name, `\`, "/"))
	if plain, err := url.PathUnescape(last); err == nil {
		return plain
	}
	return last
}

// kindOf is the kind of asset a file is by its name, or "".
func kindOf(name string) string {
	kind, id, found := strings.Cut(base(name), ".")
	if !found || id == "" || !slices.Contains(kinds, kind) {
		return ""
	}
	return kind
}

// shorten keeps a name that a stranger chose readable in a report.
func shorten(name string) string {
	const most = 200
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
	if len(clean) > most {
		return "…" + strings.ToValidUTF8(clean[len(clean)-most:], "")
	}
	return clean
}
