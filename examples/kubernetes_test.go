package examples_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"postern/provisioning"
	"postern/provisioning/config"
)

// The tools run by their versions and not from go.mod, which would get some
// sixty modules that Postern has no use for.
const (
	kustomize = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
	validate  = "sigs.k8s.io/kubectl-validate@v0.0.4"
	schemas   = "1.30"
)

// tool runs a command of another module in a folder.
func tool(t *testing.T, folder, module string, args ...string) (out []byte, err error) {
	t.Helper()
	var failed bytes.Buffer
	c := exec.Command("go", append([]string{"run", module}, args...)...)
	c.Dir, c.Stderr = folder, &failed
	out, err = c.Output()
	if err != nil {
		err = errors.New(err.Error() + ": " + failed.String())
	}
	return out, err
}

// toolOrSkip is tool where CI must have it, and others may be offline.
func toolOrSkip(t *testing.T, folder, module string, args ...string) []byte {
	t.Helper()
	out, err := tool(t, folder, module, args...)
	if err != nil && os.Getenv("CI") == "" && strings.Contains(err.Error(), module) {
		t.Skipf("%s cannot be had: %v", module, err)
	}
	if err != nil {
		t.Fatalf("%s %q: %v", module, args, err)
	}
	return out
}

// TestKubernetes renders each overlay and looks at what Kubernetes would be
// given.
func TestKubernetes(t *testing.T) {
	for overlay, expects := range map[string][]string{
		"sidecar": {"ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"},
		"gateway": {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Service"},
	} {
		t.Run(overlay, func(t *testing.T) {
			all := t.TempDir() // read here, so that go test knows what its result hangs on
			if err := os.CopyFS(all, os.DirFS("kubernetes")); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(all, "overlays", overlay)
			rendered := toolOrSkip(t, ".", kustomize, "build", folder)
			c := readCluster(t, rendered)
			if kinds := slices.Sorted(maps.Keys(c)); !slices.Equal(kinds, expects) {
				t.Errorf("kinds %q, want %q", kinds, expects)
			}
			t.Run("schemas", func(t *testing.T) { checkSchemas(t, rendered) })
			t.Run("pod", func(t *testing.T) { c.checkPod(t) })
			t.Run("selectors", func(t *testing.T) { c.checkSelectors(t) })

			// What runs is what the ConfigMap holds, not the file beside it.
			settings := t.TempDir()
			if err := os.WriteFile(filepath.Join(settings, "postern.yaml"), []byte(c["ConfigMap"].Data["postern.yaml"]), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Run("settings", func(t *testing.T) { c.checkSettings(t, settle(t, settings)) })
			base := boot(t, settings)
			for _, e := range readExpectations(t, filepath.Join(folder, "expect.txt")) {
				t.Run(e.name(), func(t *testing.T) { e.play(t, folder, base) })
			}
		})
	}
}

// checkSchemas asks what an API server would say, and whether the one who is
// asked sees mistakes at all.
func checkSchemas(t *testing.T, rendered []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rendered.yaml")
	for text, good := range map[string]bool{
		string(rendered): true,
		strings.Replace(string(rendered), "maxSkew", "maxSkev", 1):                   false,
		strings.Replace(string(rendered), "containerPort: 4", "containerPort: x", 1): false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tool(t, ".", validate, "--version", schemas, path); (err == nil) != good {
			t.Errorf("valid is not %t: %v", good, err)
		}
	}
}

// cluster is what is applied, by kind.
type cluster map[string]object

// object is of each kind what the tests look at.
type object struct {
	Kind       string                `yaml:"kind"`
	Metadata   struct{ Name string } `yaml:"metadata"`
	Data       map[string]string     `yaml:"data"`
	StringData map[string]string     `yaml:"stringData"`
	Spec       struct {
		Replicas       *int                        `yaml:"replicas"`
		Selector       yaml.Node                   `yaml:"selector"`    // of labels, in one way or the other
		PodSelector    yaml.Node                   `yaml:"podSelector"` // of a NetworkPolicy
		ScaleTargetRef struct{ Kind, Name string } `yaml:"scaleTargetRef"`
		Ports          []struct {
			TargetPort string `yaml:"targetPort"`
		} `yaml:"ports"`
		Ingress []struct {
			Ports []struct{ Port int } `yaml:"ports"`
		} `yaml:"ingress"`
		Template struct {
			Metadata struct{ Labels map[string]string } `yaml:"metadata"`
			Spec     pod                                `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type pod struct {
	Grace           int   `yaml:"terminationGracePeriodSeconds"`
	ServiceToken    *bool `yaml:"automountServiceAccountToken"`
	SecurityContext struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Spread []struct {
		LabelSelector yaml.Node `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Containers []container `yaml:"containers"`
	Volumes    []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
		Secret    struct {
			SecretName string `yaml:"secretName"`
		} `yaml:"secret"`
	} `yaml:"volumes"`
}

// container is one container of a pod.
type container struct {
	Name  string
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	} `yaml:"ports"`
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Lifecycle struct {
		PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
	} `yaml:"lifecycle"`
	Resources       struct{ Requests, Limits map[string]string } `yaml:"resources"`
	SecurityContext struct {
		Escalation   *bool                   `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRoot bool                    `yaml:"readOnlyRootFilesystem"`
		Capabilities struct{ Drop []string } `yaml:"capabilities"`
	} `yaml:"securityContext"`
	Mounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	Exec    struct{ Command []string }  `yaml:"exec"`
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func readCluster(t *testing.T, rendered []byte) cluster {
	t.Helper()
	c := cluster{}
	decoder := yaml.NewDecoder(bytes.NewReader(rendered))
	for {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := c[o.Kind]; twice {
			t.Fatalf("two objects of kind %s", o.Kind)
		}
		c[o.Kind] = o
	}
}

func (c cluster) pod() pod { return c["Deployment"].Spec.Template.Spec }

// gateway is Postern's container.
func (c cluster) gateway() container {
	all := c.pod().Containers
	return all[slices.IndexFunc(all, func(one container) bool { return one.Name == "postern" })]
}

// checkPod looks at what holds the containers back.
func (c cluster) checkPod(t *testing.T) {
	p := c.pod()
	if !p.SecurityContext.RunAsNonRoot || p.SecurityContext.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("the pod may be root, or call what it likes: %+v", p.SecurityContext)
	}
	if p.ServiceToken == nil || *p.ServiceToken {
		t.Error("the pod gets a token of the cluster")
	}
	for _, one := range p.Containers {
		s := one.SecurityContext
		if s.Escalation == nil || *s.Escalation || !s.ReadOnlyRoot || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("%s is not held back: %+v", one.Name, s)
		}
		if one.Resources.Limits["memory"] == "" || one.Resources.Requests["cpu"] == "" {
			t.Errorf("%s has no limits: %+v", one.Name, one.Resources)
		}
	}
}

// checkSelectors compares labels, and names that refer to objects.
func (c cluster) checkSelectors(t *testing.T) {
	labels := c["Deployment"].Spec.Template.Metadata.Labels
	selectors := map[string]yaml.Node{
		"Deployment": c["Deployment"].Spec.Selector, "Service": c["Service"].Spec.Selector,
		"PodDisruptionBudget": c["PodDisruptionBudget"].Spec.Selector, "NetworkPolicy": c["NetworkPolicy"].Spec.PodSelector,
		"topology spread": c.pod().Spread[0].LabelSelector,
	}
	for name, node := range selectors {
		var selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		if name == "Service" {
			if err := node.Decode(&selector.MatchLabels); err != nil {
				t.Fatal(err)
			}
		} else if err := node.Decode(&selector); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(selector.MatchLabels, labels) {
			t.Errorf("%s selects %v, and the pods have %v", name, selector.MatchLabels, labels)
		}
	}
	if scaler, ok := c["HorizontalPodAutoscaler"]; ok {
		if target := scaler.Spec.ScaleTargetRef; target.Kind != "Deployment" || target.Name != c["Deployment"].Metadata.Name {
			t.Errorf("the autoscaler scales %+v", target)
		}
		if c["Deployment"].Spec.Replicas != nil {
			t.Error("the Deployment's replicas would undo what the autoscaler did, with each apply")
		}
	}
}

// checkSettings compares the Deployment with the configuration that it runs.
func (c cluster) checkSettings(t *testing.T, settings string) {
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{settings}, Strict: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := loaded.Config
	drain := cfg.Shutdown.Delay.Limit() + cfg.Shutdown.Grace.Limit()
	if has := time.Duration(c.pod().Grace) * time.Second; has < drain {
		t.Errorf("the pod has %s to end, the gateway needs %s", has, drain)
	}
	for _, one := range c.pod().Containers {
		if waits := time.Duration(one.Lifecycle.PreStop.Sleep.Seconds) * time.Second; one.Name != "postern" && waits < drain {
			t.Errorf("%s ends %s after it was told, before the gateway has drained in %s", one.Name, waits, drain)
		}
	}
	ports := map[string]string{}
	for _, port := range c.gateway().Ports {
		ports[port.Name] = strconv.Itoa(port.ContainerPort)
	}
	_, traffic, _ := net.SplitHostPort(string(cfg.Ports.HTTP))
	if ports["http"] != traffic || c["Service"].Spec.Ports[0].TargetPort != "http" || strconv.Itoa(c["NetworkPolicy"].Spec.Ingress[0].Ports[0].Port) != traffic {
		t.Errorf("traffic arrives at %s; the container, the Service or the NetworkPolicy has another port", traffic)
	}
	c.checkProbes(t, cfg.AdminAPI, ports["admin"])
	c.checkMounts(t)
}

// checkProbes: what listens on loopback can be asked only from inside.
func (c cluster) checkProbes(t *testing.T, admin config.AdminAPI, port string) {
	t.Helper()
	host, number, err := net.SplitHostPort(admin.Listen)
	if err != nil {
		t.Fatal(err)
	}
	g := c.gateway()
	if net.ParseIP(host).IsLoopback() {
		if !slices.Equal(g.Readiness.Exec.Command, []string{"/postern", "health"}) || !slices.Equal(g.Liveness.Exec.Command, []string{"/postern", "health", "--live"}) {
			t.Errorf("probes %q and %q", g.Readiness.Exec.Command, g.Liveness.Exec.Command)
		}
		return
	}
	want := []probe{{}, {}}
	want[0].HTTPGet.Path, want[0].HTTPGet.Port = "/readyz", "admin"
	want[1].HTTPGet.Path, want[1].HTTPGet.Port = "/livez", "admin"
	for i, got := range []probe{g.Readiness, g.Liveness} {
		if got.HTTPGet != want[i].HTTPGet || got.Exec.Command != nil || port != number {
			t.Errorf("probe %+v of port %s, want %+v of %s", got, port, want[i], number)
		}
	}
}

// checkMounts: the ConfigMap and the Secret are there and are mounted as
// directories, since what is mounted by subPath never changes.
func (c cluster) checkMounts(t *testing.T) {
	t.Helper()
	at := map[string]string{}
	for _, m := range c.gateway().Mounts {
		at[m.Name] = m.MountPath
		if m.SubPath != "" {
			t.Errorf("%s is mounted by subPath", m.MountPath)
		}
	}
	for _, v := range c.pod().Volumes {
		switch {
		case v.ConfigMap.Name != "" && (v.ConfigMap.Name != c["ConfigMap"].Metadata.Name || at[v.Name] != "/etc/postern"):
			t.Errorf("ConfigMap %s at %s", v.ConfigMap.Name, at[v.Name])
		case v.Secret.SecretName != "" && v.Secret.SecretName != c["Secret"].Metadata.Name:
			t.Errorf("Secret %s does not exist", v.Secret.SecretName)
		case at[v.Name] == "":
			t.Errorf("%s is not mounted", v.Name)
		}
		for key := range c["Secret"].StringData {
			path := at[v.Name] + "/" + key
			if v.Secret.SecretName != "" && !strings.Contains(c["ConfigMap"].Data["postern.yaml"], "file: "+path+"}") {
				t.Errorf("nothing reads %s", path)
			}
		}
	}
}
