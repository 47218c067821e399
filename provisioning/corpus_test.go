package provisioning_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/provisioning"
	"postern/provisioning/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// marker is the secret of every bundle of the corpus.
const marker = "hunter2-marker"

func corpusSources(file string) provisioning.Sources {
	return provisioning.Sources{Paths: []string{file}, Environ: []string{"ADMIN_PASSWORD=" + marker, "EMPTY="}}
}

func corpus(t *testing.T, pattern string, least int) []string {
	t.Helper()
	t.Chdir("testdata")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < least {
		t.Fatalf("found %d files for %s, want at least %d (%v)", len(files), pattern, least, err)
	}
	return files
}

// A bad file begins with what is wrong in it, one "# want" a line.
func TestBadFiles(t *testing.T) {
	for _, file := range corpus(t, "*.bad.yaml", 60) {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				fault, ok := strings.CutPrefix(line, "# want ")
				if !ok {
					break
				}
				want = append(want, strings.TrimSuffix(fault, "\n"))
			}
			_, err = provisioning.Load(corpusSources(file), nil)
			var report provisioning.Report
			if !errors.As(err, &report) {
				t.Fatalf("Load returned %v, want a Report", err)
			}
			var got []string
			for _, issue := range report {
				got = append(got, strings.TrimLeft(strings.TrimPrefix(issue.String(), file), ": "))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), marker) {
				t.Error("the report holds the secret")
			}
		})
	}
}

// A good file is compared with what it says beyond the defaults.
func TestGoodFiles(t *testing.T) {
	for _, file := range corpus(t, "*.good.yaml", 15) {
		t.Run(file, func(t *testing.T) {
			loaded, err := provisioning.Load(corpusSources(file), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := dumpBeyondDefaults(loaded.Config)
			for _, warning := range loaded.Warnings {
				got += "# " + warning.String() + "\n"
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("parsed form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadingAgainFindsNothingFixed(t *testing.T) {
	for _, file := range corpus(t, "*.good.yaml", 15) {
		first, err := provisioning.Load(corpusSources(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := provisioning.Load(corpusSources(file), first.Config)
		if err != nil {
			t.Errorf("%s beside itself: %v", file, err)
			continue
		}
		if diff := cmp.Diff(first.Config, second.Config, sameSecret, samePrefix, sameIdentifier); diff != "" || first.Hash != second.Hash {
			t.Errorf("%s loads differently twice (hash %s, %s):\n%s", file, first.Hash, second.Hash, diff)
		}
	}
}

// SetDefaults is done once by Load; doing it again must not move anything.
func TestDefaultsAreStable(t *testing.T) {
	for _, file := range corpus(t, "*.good.yaml", 15) {
		loaded, err := provisioning.Load(corpusSources(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		before := dump(loaded.Config)
		loaded.Config.SetDefaults()
		if diff := cmp.Diff(before, dump(loaded.Config)); diff != "" {
			t.Errorf("%s:\n%s", file, diff)
		}
	}
}

var (
	sameSecret     = cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() })
	samePrefix     = cmp.Comparer(func(a, b config.Prefix) bool { return a == b })
	sameIdentifier = cmpopts.EquateComparable(config.APIKey{}, config.AddressRange{})
)
