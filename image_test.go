//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxImage is what the image's content may have in bytes.
const maxImage = 20e6

// TestImage does what the Dockerfile says, without an engine: it runs the build
// stage in a copy of the context on this machine, unpacks the last stage, and
// runs that as an engine would, with a read-only root.
func TestImage(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("builds the binary twice")
	}
	file := readDockerfile(t, "Dockerfile")
	image := file.assemble(t)

	t.Run("content", func(t *testing.T) { image.check(t) })
	t.Run("reproducible", func(t *testing.T) {
		t.Setenv("SOURCE_DATE_EPOCH", "1")
		t.Setenv("TZ", "Asia/Tokyo")
		if again := file.assemble(t); again.digest(t) != image.digest(t) {
			t.Error("the same sources, built in two folders, give different binaries")
		}
	})
	t.Run("serves", image.serves)
}

func needRoot(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("unshare")
	switch {
	case os.Geteuid() == 0 && err == nil:
	case os.Getenv("CI") != "":
		t.Fatal("the image is tried as root, with unshare, setpriv and chroot")
	default:
		t.Skip("only root may unpack and run an image")
	}
}

// image is the last stage, unpacked.
type image struct {
	root                         string
	user, stop, volume           string
	entrypoint, command, healthy []string
	labels                       map[string]string
}

func (i image) binary() string { return filepath.Join(i.root, i.entrypoint[0]) }

func (i image) digest(t *testing.T) [sha256.Size]byte {
	t.Helper()
	content, err := os.ReadFile(i.binary())
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(content)
}

func (i image) check(t *testing.T) {
	if i.user != "65532:65532" || i.stop != "SIGTERM" || i.volume != "/var/lib/postern" {
		t.Errorf("user %q, stop signal %q, volume %q", i.user, i.stop, i.volume)
	}
	for _, name := range []string{"title", "description", "licenses", "version", "revision"} {
		if _, ok := i.labels["org.opencontainers.image."+name]; !ok {
			t.Errorf("no label %s in %v", name, i.labels)
		}
	}
	var size int64
	var runnable []string
	err := filepath.WalkDir(i.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		about, err := entry.Info()
		if err != nil {
			return err
		}
		size += about.Size()
		if about.Mode()&0o111 != 0 {
			runnable = append(runnable, strings.TrimPrefix(path, i.root))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(size)/1e6)
	if size > maxImage {
		t.Errorf("%d bytes, at most %d", size, int64(maxImage))
	}
	if !slices.Equal(runnable, []string{"/postern"}) {
		t.Errorf("%q can be run; no shell is needed, nor anything else", runnable)
	}
	program, err := elf.Open(i.binary())
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the binary is not static")
		}
	}
}

// serves runs the image: it serves a request, its health command says how it is,
// the certificates in it are those that are believed, and it can write to its
// volume and nowhere else.
func (i image) serves(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) }))
	defer upstream.Close()
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, keySet) }))
	defer issuer.Close()
	settings := fmt.Sprintf(inImage, freeAddress(t), freeAddress(t), issuer.URL, upstream.URL)

	t.Run("an unknown authority", func(t *testing.T) {
		c := i.start(t, settings)
		if out, err := c.health().CombinedOutput(); err == nil || !strings.Contains(string(out), "not ready") {
			t.Errorf("health: %v, %q; want a failure, since no keys can be had", err, out)
		}
	})
	t.Run("a known one", func(t *testing.T) {
		known := i
		known.root = t.TempDir()
		if out, err := exec.Command("cp", "-a", i.root+"/.", known.root).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		bundle := filepath.Join(known.root, "etc/ssl/certs/ca-certificates.crt")
		content, err := os.ReadFile(bundle)
		if err != nil {
			t.Fatal(err)
		}
		authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw})
		if err := os.WriteFile(bundle, append(content, authority...), 0o644); err != nil {
			t.Fatal(err)
		}
		c := known.start(t, settings)
		c.awaitHealth(t)
		if status, body := get(t, c.traffic+"/open/x?y"); status != http.StatusOK || body != "/x?y" {
			t.Errorf("%d %q, want the upstream's answer", status, body)
		}
		c.checkIdentity(t)
		c.signal(t, syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("%v\n%s", err, c.log)
		}
	})
	t.Run("its volume", func(t *testing.T) {
		for dir, allowed := range map[string]bool{i.volume: true, "/etc": false, "/": false} {
			touch := exec.Command("touch", "probe")
			touch.Dir = filepath.Join(i.root, dir)
			touch.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
			if out, err := touch.CombinedOutput(); (err == nil) != allowed {
				t.Errorf("write to %s: %v %s", dir, err, out)
			}
		}
	})
}

const inImage = `ports: {http: %q}
admin_api: {listen: %q}
auth_servers:
- name: corp
  issuer: corp
  required: true
  local_introspection: {jwks_uri: %q}
  audience: unchecked
apis:
- name: open
  base_path: /open
  upstream: {targets: [{url: %q}]}
  policies: {identify: none}
`

const keySet = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

// container is an image at work.
type container struct {
	process
	image
	config, volume string
}

// inside mounts what an engine would and becomes the image's user; $1 is the
// root, $2 the configuration, $3 the volume and where it is, then the command.
const inside = `set -e
root=$1 config=$2 volume=$3 at=$4 user=$5
shift 5
mount --bind "$root" "$root"
mount --bind "$volume" "$root$at"
mount --bind "$config" "$root/etc/postern"
mount -o remount,ro,bind "$root/etc/postern"
mount --bind /proc "$root/proc"
mount -o remount,ro,bind "$root"
cd "$root"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"`

func (c *container) exec(command ...string) *exec.Cmd {
	args := append([]string{"--mount", "--", "sh", "-c", inside, "inside", c.root, c.config, c.volume, c.image.volume, c.user}, command...)
	return exec.Command("unshare", args...)
}

func (i image) start(t *testing.T, settings string) *container {
	t.Helper()
	c := &container{image: i, config: t.TempDir(), volume: t.TempDir()}
	for _, dir := range []string{"etc/postern", "proc"} { // an engine makes what it mounts on
		if err := os.MkdirAll(filepath.Join(c.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(c.config, "postern.yaml"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(c.root, i.volume)+"/.", c.volume).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.process = process{Cmd: c.exec(append(slices.Clone(i.entrypoint), i.command...)...), log: new(output)}
	c.run(t)
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	})
	return c
}

func (c *container) health() *exec.Cmd { return c.exec(c.healthy...) }

// awaitHealth runs the health command until it is content.
func (c *container) awaitHealth(t *testing.T) {
	t.Helper()
	var out []byte
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if out, err = c.health().CombinedOutput(); err == nil {
			return
		}
	}
	t.Fatalf("health: %v: %s\n%s", err, out, c.log)
}

// checkIdentity looks at who the process is and what it may do.
func (c *container) checkIdentity(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Uid:\t65532\t65532", "Gid:\t65532\t65532", "CapEff:\t0000000000000000"} {
		if !bytes.Contains(status, []byte(want)) {
			t.Errorf("no %q in\n%s", want, status)
		}
	}
	if name := filepath.Base(c.entrypoint[0]); !bytes.Contains(status, []byte("Name:\t"+name)) {
		t.Errorf("another process than %s:\n%s", name, status)
	}
}

// list reads the JSON of an instruction in exec form.
func list(t *testing.T, text string) (words []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		t.Fatalf("%s: the exec form is wanted: %v", text, err)
	}
	return words
}
