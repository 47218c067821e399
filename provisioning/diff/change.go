package diff

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"postern/provisioning/config"
	"postern/provisioning/shown"
)

// Change is one difference between two configurations.
type Change struct {
	Path   string `json:"path"`             // apis[orders/1.0].policies.identify
	Before any    `json:"before,omitempty"` // as the settings show it, secrets as ***; nil: nothing
	After  any    `json:"after,omitempty"`
	// Weaker says which protection is lost; "": none.
	Weaker string `json:"weaker,omitempty"`
}

// Of are the changes from one configuration to another, in the order of their
// paths. Secrets are compared, too; that one has changed is told, and not more.
func Of(before, after *config.Config) []Change {
	c := comparison{before: before, after: after, hidden: marked()}
	c.compare("", "", tree(before, c.hidden), tree(after, c.hidden))
	c.globals()
	slices.SortStableFunc(c.changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return c.changes
}

// tree is what the settings show, in the types of JSON alone.
func tree[T any](part *T, hidden shown.Hidden) (made map[string]any) {
	text, err := json.Marshal(shown.Part(part, hidden))
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		return nil // not for what the settings show
	}
	return made
}

// marked shows equal secrets alike and others differently, by a sum that only
// this comparison can make: nobody can try secrets against it.
func marked() shown.Hidden {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it cannot fail
	sum := func(text []byte) string {
		mac := hmac.New(sha256.New, key)
		mac.Write(text)
		return hex.EncodeToString(mac.Sum(nil)[:4])
	}
	return shown.Hidden{
		Secret: func(s config.Secret) any { return "*** " + sum([]byte(s.Reveal())) },
		File: func(f config.File) any {
			if f.IsZero() {
				return nil
			}
			return filepath.Base(f.Path) + " " + sum(f.Data)
		},
	}
}

// comparison is one Of under way.
type comparison struct {
	before, after *config.Config
	hidden        shown.Hidden
	changes       []Change
}

// compare goes down two trees. rule is the path without the names of items: what
// the rules go by.
func (c *comparison) compare(path, rule string, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	old, was := before.(map[string]any)
	now, is := after.(map[string]any)
	if was && is {
		for _, key := range keys(old, now) {
			place := join(rule, key)
			if key == "by" && old["combine"] == "and" {
				place += every
			}
			c.compare(join(path, key), place, old[key], now[key])
		}
		return
	}
	if c.items(path, rule, before, after) {
		return
	}
	c.changes = append(c.changes, Change{Path: path, Before: before, After: after, Weaker: c.judge(path, rule, before, after)})
}

// items compares two lists whose items have names, item by item; it reports
// whether they have.
func (c *comparison) items(path, rule string, before, after any) bool {
	old, named := byName(before)
	now, alsoNamed := byName(after)
	if !named || !alsoNamed || old == nil && now == nil {
		return false
	}
	if ruleOf(rule) != nil && (rule != resources || before == nil || after == nil) {
		return false // the list itself says something
	}
	for _, name := range keys(old, now) {
		c.compare(path+"["+name+"]", rule+"[]", old[name], now[name])
	}
	return true
}

// byName are the items of a list by their names, and whether all have one of
// their own. No list has no items.
func byName(list any) (map[string]any, bool) {
	if list == nil {
		return nil, true
	}
	items, ok := list.([]any)
	if !ok {
		return nil, false
	}
	named := map[string]any{}
	for _, item := range items {
		name := nameOf(item)
		if _, twice := named[name]; name == "" || twice {
			return nil, false
		}
		named[name] = item
	}
	return named, true
}

// nameOf is what an item of a list is known by, or "".
func nameOf(item any) string {
	fields, ok := item.(map[string]any)
	if !ok {
		return ""
	}
	name, _ := fields["name"].(string)
	if version, ok := fields["version"].(string); ok && name != "" {
		return name + "/" + version
	}
	if path, ok := fields["path"].(string); ok && name == "" {
		return path // of a resource
	}
	return name
}

func keys(a, b map[string]any) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// globals tells which APIs a global policy no longer holds for.
func (c *comparison) globals() {
	for i := range c.before.APIs {
		api := c.before.APIs[i].FullName()
		now := slices.IndexFunc(c.after.APIs, func(a config.API) bool { return a.FullName() == api })
		if now < 0 {
			continue
		}
		told := map[string]bool{}
		for _, method := range append(c.before.LevelMethods(i), "") {
			for _, level := range c.before.Levels(i, method, nil) {
				if level.Path[0] != "policies" {
					continue
				}
				global := &c.before.Policies[level.Path[1].(int)]
				for _, change := range c.missing(global, now, method) {
					if !told[change.Path] {
						told[change.Path] = true
						change.Weaker = fmt.Sprintf("no longer holds for %s: %s", api, change.Weaker)
						c.changes = append(c.changes, change)
					}
				}
			}
		}
	}
}

// missing are the protecting policies of a global one that a request to an API
// does not meet any more, whatever it is that states them now. What the policy
// of the same name asks differently is told elsewhere.
func (c *comparison) missing(global *config.GlobalPolicy, api int, method string) (lost []Change) {
	held := tree(&global.Policies, c.hidden)
	for _, key := range keys(held, nil) {
		why := weaker("policies[].policies."+key, held[key], nil)
		if why == "" || c.stated(key, held[key], c.after.Levels(api, method, nil), global.Name) {
			continue
		}
		lost = append(lost, Change{Path: "policies[" + global.Name + "].policies." + key, Before: held[key], Weaker: why})
	}
	return lost
}

// stated reports whether one of the levels now states a policy, as it is or in a
// global one of this name.
func (c *comparison) stated(key string, policy any, levels []config.Level, name string) bool {
	for _, level := range levels {
		held := tree(level.Policies, c.hidden)
		if reflect.DeepEqual(held[key], policy) {
			return true
		}
		if level.Path[0] == "policies" && held[key] != nil && c.after.Policies[level.Path[1].(int)].Name == name {
			return true
		}
	}
	return false
}

// moved reports whether a policy that an API stated stands around it now.
func (c *comparison) moved(place, path string, before any) bool {
	key, ok := strings.CutPrefix(place, "apis[].policies.")
	if !ok || strings.ContainsAny(key, ".[") {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "apis["), "].policies.")
	for i := range c.after.APIs {
		if c.after.APIs[i].FullName() == name {
			return !slices.ContainsFunc(append(c.after.LevelMethods(i), ""), func(method string) bool {
				return !c.stated(key, before, c.after.Levels(i, method, nil), "")
			})
		}
	}
	return false
}
