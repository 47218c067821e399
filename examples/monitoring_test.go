package examples_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

var (
	selector = regexp.MustCompile(`\b((?:postern|go|process)_\w+|up\b)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\bby\s*\(([^)]*)\)`)
	mention  = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)[^}]*\}\}`)
	readers  = regexp.MustCompile(`label_values\((.*), (\w+)\)`)
)

// query is an expression with the texts that show labels of its result.
type query struct{ expr, legends string }

// queriesOf collects the queries of a dashboard or of alert rules, wherever
// they stand.
func queriesOf(node any) (all []query) {
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			all = append(all, queriesOf(item)...)
		}
	case map[string]any:
		if expr, ok := node["expr"].(string); ok {
			legends, _ := node["legendFormat"].(string)
			annotations, _ := node["annotations"].(map[string]any)
			for _, text := range annotations {
				legends += text.(string)
			}
			all = append(all, query{expr, legends})
		}
		if definition, ok := node["definition"].(string); ok {
			if m := readers.FindStringSubmatch(definition); m != nil {
				all = append(all, query{m[1], "{{" + m[2] + "}}"})
			}
		}
		for _, item := range node {
			all = append(all, queriesOf(item)...)
		}
	}
	return all
}

// check finds names and labels that no gateway has.
func (s scrape) check(t *testing.T, q query) {
	t.Helper()
	labels := map[string]bool{"job": true, "instance": true} // Prometheus adds them
	for _, m := range selector.FindAllStringSubmatch(q.expr, -1) {
		series, known := s.series[m[1]]
		if !known && m[1] != "up" {
			t.Errorf("there is no %s, in %s", m[1], q.expr)
		}
		for name := range series {
			labels[name] = true
		}
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !labels[l[1]] {
				t.Errorf("%s has no label %s, in %s", m[1], l[1], q.expr)
			}
			if l[2] == "=" && series[l[1]] != nil && !series[l[1]][l[3]] {
				t.Errorf("%s is never %s of %s, in %s", l[3], l[1], m[1], q.expr)
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(q.expr, -1) {
		for _, name := range strings.Split(m[1], ",") {
			if !labels[strings.TrimSpace(name)] {
				t.Errorf("nothing has the label %s, in %s", name, q.expr)
			}
		}
	}
	for _, m := range mention.FindAllStringSubmatch(strings.ReplaceAll(q.legends, "$value", "instance"), -1) {
		if !labels[m[1]] {
			t.Errorf("nothing has the label %s that is shown for %s", m[1], q.expr)
		}
	}
}

// TestMonitoring compares what the dashboard and the alert rules ask for with
// what a gateway has.
func TestMonitoring(t *testing.T) {
	s := scrapeGateway(t)
	for name, read := range map[string]func([]byte, any) error{
		"dashboard.json": json.Unmarshal,
		"alerts.yaml":    func(text []byte, v any) error { return yaml.Unmarshal(text, v) },
	} {
		text, err := os.ReadFile(filepath.Join("monitoring", name))
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := read(text, &document); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		queries := queriesOf(document)
		if len(queries) < 10 {
			t.Errorf("%s has %d queries", name, len(queries))
		}
		for _, q := range queries {
			s.check(t, q)
		}
	}
}

// TestDashboard keeps the dashboard importable: every panel has a place and asks
// the data source that is chosen.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		ID     any
		UID    string
		Panels []struct {
			ID         int
			Type       string
			GridPos    struct{ X, Y, W, H int }
			Datasource struct{ UID string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.ID != nil || dashboard.UID == "" {
		t.Errorf("id %v and uid %q; an id belongs to one Grafana", dashboard.ID, dashboard.UID)
	}
	taken, ids := map[[2]int]bool{}, map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %+v", p)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] {
					t.Fatalf("panel %d lies on another", p.ID)
				}
				taken[at] = true
			}
		}
	}
}

// promtool runs Prometheus' own checker.
func promtool(t *testing.T, stdin string, args ...string) (out string, code int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "promtool", args...)
	command.Dir, command.Stdin = "monitoring", strings.NewReader(stdin)
	text, err := command.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		t.Skip("promtool is not installed")
	case err != nil && !errors.As(err, &exit):
		t.Fatal(err)
	}
	return string(text), command.ProcessState.ExitCode()
}

// dashboardRules is a file with the queries of the dashboard as rules, for that
// is what promtool can parse.
func dashboardRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard map[string]any
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var rules []map[string]string
	for n, q := range queriesOf(dashboard) {
		expr := strings.ReplaceAll(q.expr, "$__rate_interval", "5m")
		rules = append(rules, map[string]string{"record": fmt.Sprintf("query_%d", n), "expr": expr})
	}
	group := map[string]any{"name": "dashboard", "rules": rules}
	file, err := json.Marshal(map[string]any{"groups": []any{group}}) // which is YAML too
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPromtool(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "alerts.yaml"},
		{"check", "config", "prometheus.yml"},
		{"test", "rules", "alerts_test.yaml"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if out, code := promtool(t, "", args...); code != 0 {
				t.Errorf("exit code %d:\n%s", code, out)
			}
		})
	}
	t.Run("queries of the dashboard", func(t *testing.T) {
		if out, code := promtool(t, "", "check", "rules", dashboardRules(t)); code != 0 {
			t.Errorf("exit code %d:\n%s", code, out)
		}
	})
	t.Run("check metrics", func(t *testing.T) {
		s := scrapeGateway(t)
		var ours strings.Builder
		for line := range strings.Lines(s.text) {
			if strings.Contains(line, "postern_") {
				ours.WriteString(line)
			}
		}
		if out, code := promtool(t, ours.String(), "check", "metrics"); code != 0 {
			t.Errorf("ours: exit code %d:\n%s", code, out)
		}
		// What the library writes has no help texts; 3 says no more than that.
		if out, code := promtool(t, s.text, "check", "metrics"); code != 0 && code != 3 {
			t.Errorf("all: exit code %d:\n%s", code, out)
		}
	})
}
