//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// maxExportingImage is what the image that exports spans may have in bytes.
const maxExportingImage = 26e6

// TestImageThatExportsSpans builds the Dockerfile's other image, which takes
// what the first one refuses.
func TestImageThatExportsSpans(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary twice")
	}
	needRoot(t)
	settings := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(settings, []byte("tracing: {endpoint: \"http://127.0.0.1:4318/v1/traces\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := readDockerfile(t, "Dockerfile")
	for tags, takes := range map[string]bool{"": false, "otel": true} {
		t.Setenv("TAGS", tags)
		i := file.assemble(t)
		if out, err := exec.Command(i.binary(), "check", "-c", settings).CombinedOutput(); (err == nil) != takes {
			t.Errorf("tags %q: %v, %s", tags, err, out)
		}
		about, err := os.Stat(i.binary())
		if err != nil {
			t.Fatal(err)
		}
		if about.Size() > maxExportingImage {
			t.Errorf("tags %q: %d bytes", tags, about.Size())
		}
	}
}
