package examples_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// compose is the reference implementation of the Compose Specification.
const compose = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"

// TestCompose validates the file as docker compose does, and looks at what it
// comes to.
func TestCompose(t *testing.T) {
	path := filepath.Join("compose", "compose.yaml")
	model := toolOrSkip(t, "compose", compose, "compose.yaml")

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(wrong, bytes.Replace(text, []byte("healthcheck:"), []byte("heathcheck:"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tool(t, "compose", compose, wrong); err == nil {
		t.Error("a misspelt key is not seen")
	}

	var file struct {
		Services map[string]struct {
			Build       struct{ Context string }
			HealthCheck struct{ Test []string } `yaml:"healthcheck"`
			ReadOnly    bool                    `yaml:"read_only"`
			CapDrop     []string                `yaml:"cap_drop"`
			Ports       []struct {
				Target    int
				Published string
				HostIP    string `yaml:"host_ip"`
			}
			Volumes []struct{ Type, Source, Target string }
		}
		Secrets map[string]struct{ File string }
	}
	if err := yaml.Unmarshal(model, &file); err != nil {
		t.Fatal(err)
	}
	for name, service := range file.Services {
		if !service.ReadOnly || strings.Join(service.CapDrop, " ") != "ALL" {
			t.Errorf("%s may write, or has capabilities: %+v", name, service)
		}
	}
	postern := file.Services["postern"]
	if _, err := os.Stat(filepath.Join(postern.Build.Context, "Dockerfile")); err != nil {
		t.Errorf("what is built: %v", err)
	}
	if got := strings.Join(postern.HealthCheck.Test, " "); got != "CMD /postern health" {
		t.Errorf("health check %q", got)
	}
	for _, port := range postern.Ports {
		if port.Target == 9485 && port.HostIP != "127.0.0.1" {
			t.Errorf("the operator's listener is published beyond the host: %+v", port)
		}
	}
	mounts := map[string]string{}
	for _, v := range postern.Volumes {
		mounts[v.Target] = v.Source
	}
	if about, err := os.Stat(mounts["/etc/postern"]); err != nil || !about.IsDir() || mounts["/var/lib/postern"] != "keep" {
		t.Errorf("mounts %v: the settings are a directory, so that edits are seen: %v", mounts, err)
	}
	if _, err := os.Stat(file.Secrets["admin_password"].File); err != nil {
		t.Error(err)
	}
}

// TestComposeKey: the tokens of quickstart work with compose's settings.
func TestComposeKey(t *testing.T) {
	var keys [2][]byte
	for i, folder := range []string{"quickstart", "compose/config"} {
		var err error
		if keys[i], err = os.ReadFile(filepath.Join(folder, "issuer.pub")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(keys[0], keys[1]) {
		t.Error("issuer.pub differs from quickstart's")
	}
}
