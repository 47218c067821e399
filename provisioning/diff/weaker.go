package diff

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// rule says which protection is lost between two values of a setting, or "".
// A value that is not stated is nil.
type rule func(before, after any) string

// every marks a list all of whose items are asked for.
const every = " (all)"

// level are the rules of policies, wherever they stand.
var level = map[string]rule{
	"protocols":                      plain,
	"identify":                       nobody,
	"identify.by":                    alternatives("", "callers may show %s instead"),
	"identify.by" + every:            shrank("callers need not show %s"),
	"identify.combine":               became("or", "one of the ways to identify is enough"),
	"identify.applications":          ranked("applications need not be %s any more", "none", "all", "registered"),
	"identify.anonymous":             became(true, "who shows nothing passes"),
	"identify.auth_servers":          grew("tokens of %s are believed, too"),
	"identify.audience_also":         grew("%s is a good audience, too"),
	"identify.sender_constrained":    alternatives("a token need not be bound by %s", "a token may be bound by %s instead"),
	"authorize":                      gone("who is identified may do everything"),
	"authorize.combine":              became("or", "one of users, groups and profiles is enough"),
	"authorize.users.any":            alternatives("users are not asked for any more", "%s may, too"),
	"authorize.access_profiles.any":  alternatives("access profiles are not asked for any more", "%s may, too"),
	"authorize.token_scopes.any":     alternatives("scopes are not asked for any more", "scope %s is enough"),
	"authorize.token_scopes.all":     shrank("scope %s is not asked for any more"),
	"authorize.groups.any":           alternatives("groups are not asked for any more", "group %s is enough"),
	"authorize.groups.all":           shrank("group %s is not asked for any more"),
	"authorize.claims":               claims,
	"ipfilter":                       gone("every address may call"),
	"ipfilter.allow":                 alternatives("every address may call", "%s may call, too"),
	"ipfilter.deny":                  shrank("%s is not refused any more"),
	"ipfilter.hosts.allow":           alternatives("every host may call", "%s may call, too"),
	"ipfilter.hosts.deny":            shrank("%s is not refused any more"),
	"throttle[]":                     gone("without this limit"),
	"throttle[].requests":            more("more requests pass"),
	"throttle[].per":                 less("the limit begins anew sooner"),
	"throttle[].except":              grew("%s has a limit of its own"),
	"throttle[].on_unavailable":      ranked("without the store requests are not refused", "allow", "local", "deny"),
	"concurrency":                    gone("any number of requests at once"),
	"concurrency.max":                more("more requests at once"),
	"validate":                       gone("messages are not compared with the definition"),
	"validate.undefined":             became("pass", "what the definition lacks passes"),
	"validate.request":               gone("requests are not compared with the definition"),
	"validate.response":              gone("answers are not compared with the definition"),
	"validate.request.unknown_query": became("allow", "parameters that the definition lacks pass"),
	"mask":                           gone("nothing is masked"),
	"mask.request":                   shrank("%s of requests is not masked"),
	"mask.response":                  shrank("%s of answers is not masked"),
	"mask.fault":                     shrank("%s of faults is not masked"),
	"mask.apply":                     shrank("the %s is not masked"),
	"cors.origins":                   grew("pages of %s may use it"),
	"cors.credentials":               became(true, "pages of other origins may send credentials"),
}

// others are the rules outside of policies; where [] stands any item is.
var others = map[string]rule{
	"auth_servers[].issuer":                              became("unchecked", "tokens of any issuer are believed"),
	"auth_servers[].audience":                            became("unchecked", "tokens for anybody are believed"),
	"auth_servers[].audience.any":                        grew("tokens for %s are believed, too"),
	"auth_servers[].audience.required":                   became(false, "tokens without an audience are believed"),
	"auth_servers[].subject":                             gone("tokens of every subject are believed"),
	"auth_servers[].subject.any":                         alternatives("tokens of every subject are believed", "tokens of %s are believed, too"),
	"auth_servers[].subject.pattern":                     differs("whose subjects are believed is another question now"),
	"auth_servers[].subject.user":                        became(false, "subjects need not be users"),
	"auth_servers[].local_introspection.allow_http":      became(true, "keys may come over http"),
	"auth_servers[].local_introspection.jwks_uri":        unencrypted("keys come over http"),
	"auth_servers[].local_introspection.algorithms":      grew("%s is believed, too"),
	"auth_servers[].local_introspection.clock_skew":      more("an expired token is believed for longer"),
	"auth_servers[].local_introspection.types":           grew("tokens of type %s are believed, too"),
	"auth_servers[].local_introspection.profile":         shrank("the checks of %s are not made"),
	"auth_servers[].local_introspection.max_lifetime":    more("tokens may live longer"),
	"auth_servers[].local_introspection.required_claims": shrank("%s need not be there"),
	"auth_servers[].local_introspection.max_stale":       more("keys serve for longer while they cannot be fetched"),
	"auth_servers[].remote_introspection.allow_http":     became(true, "tokens may go over http"),
	"auth_servers[].remote_introspection.endpoint":       unencrypted("tokens go over http"),
	"auth_servers[].remote_introspection.stale":          more("an answer serves for longer while none can be had"),
	"auth_servers[].remote_introspection.cache.active":   more("a revoked token is believed for longer"),
	"tokens.clock_skew":                                  more("an expired token is believed for longer"),
	"tokens.proofs.max_age":                              more("a proof is believed for longer"),
	"tokens.proofs.nonce":                                became(false, "proofs need no nonce"),
	"tokens.denylist":                                    gone("revoked tokens are believed"),
	"tokens.denylist.max_stale":                          more("a list serves for longer while none can be fetched"),
	"tokens.denylist.on_unavailable":                     became("allow", "without the list revoked tokens are believed"),
	"tokens.denylist.allow_http":                         became(true, "the list may come over http"),
	"applications[].jwt":                                 gone("tokens of every auth server may speak for it"),
	"apis[].resources":                                   gone("every path and method is there"),
	"apis[].resources[]":                                 appeared("it can be called"),
	"apis[].resources[].methods":                         alternatives("every method is there", "%s is there, too"),
	"apis[].resources[].scopes":                          shrank("the policies of %s do not hold"),
	"apis[].upstream.targets":                            targets,
	"apis[].upstream.tls.ca":                             gone("every certificate authority of the system is believed"),
	"apis[].upstream.tls.min_version":                    became("1.2", "TLS 1.2 is enough"),
	"apis[].paths.encoded_slash":                         became("keep", "paths may hold encoded slashes"),
	"tls.self_signed":                                    became(true, "nobody can verify the certificate"),
	"tls.client_ca":                                      gone("callers are not asked for certificates"),
	"tls.client_auth":                                    became("request", "callers need not show a certificate"),
	"limits.per_ip":                                      gone("one address may take all connections"),
	"trusted_proxies":                                    grew("what %s says of callers is believed"),
	"client_certificate_header":                          appeared("trusted proxies say which certificate a caller has"),
	"admin_api.password":                                 gone("the operator's listener asks for no password"),
	"admin_api.on_traffic_port":                          became(true, "the operator's paths are on the traffic ports"),
	"admin_api.debug":                                    became(true, "profiles can be read"),
	"logging.mask":                                       shrank("%s of the query is in the log"),
}

// resources are judged one by one, and as a list: without it every path is there.
const resources = "apis[].resources"

// judge is weaker for a change, unless another level states the policy.
func (c *comparison) judge(path, place string, before, after any) string {
	why := weaker(place, before, after)
	if why == "" || after != nil || !c.moved(place, path, before) {
		return why
	}
	return ""
}

// weaker says which protection is lost. What has no rule is looked into.
func weaker(place string, before, after any) string {
	if place == "apis[]" || place == "policies[]" || strings.HasSuffix(place, "scopes[]") {
		return "" // with an API its callers go; of the others globals and scopes tell
	}
	if judge := ruleOf(place); judge != nil {
		if why := judge(before, after); why != "" || after == nil {
			return why
		}
	}
	old, was := before.(map[string]any)
	now, is := after.(map[string]any)
	if !was && !is {
		if strings.HasPrefix(place, "limits.") && after == "none" {
			return "there is no limit"
		}
		if strings.HasSuffix(place, ".allow_http") && after == true && before != true {
			return "it may go over http"
		}
		if before == true && (after == false || after == nil) && strings.Contains(place, ".validate.") {
			return "it is not compared with the definition"
		}
		return ""
	}
	for _, key := range keys(old, now) {
		if why := weaker(join(place, key), old[key], now[key]); why != "" {
			return why
		}
	}
	return ""
}

func ruleOf(place string) rule {
	for _, at := range []string{"apis[].policies.", "apis[].scopes[].policies.", "policies[].policies."} {
		if key, ok := strings.CutPrefix(place, at); ok {
			return level[key]
		}
	}
	return others[place]
}

// gone: what was stated is not.
func gone(why string) rule {
	return func(before, after any) string {
		if before != nil && before != "none" && (after == nil || after == "none") {
			return why
		}
		return ""
	}
}

// appeared: what was not stated is.
func appeared(why string) rule {
	return func(before, after any) string {
		if before == nil && after != nil {
			return why
		}
		return ""
	}
}

// differs: two patterns cannot be told apart by what they admit.
func differs(why string) rule {
	return func(before, after any) string {
		if before != nil && !reflect.DeepEqual(before, after) {
			return why
		}
		return ""
	}
}

func became(word any, why string) rule {
	return func(before, after any) string {
		if before != nil && before != word && after == word {
			return why
		}
		return ""
	}
}

// ranked: the words go from the weakest to the strongest.
func ranked(why string, words ...string) rule {
	return func(before, after any) string {
		old, _ := before.(string)
		now, _ := after.(string)
		if slices.Index(words, now) < slices.Index(words, old) && now != "" {
			return strings.ReplaceAll(why, "%s", old)
		}
		return ""
	}
}

// grew: an item came to a list.
func grew(why string) rule {
	return func(before, after any) string {
		if item, ok := beyond(after, before); ok {
			return strings.ReplaceAll(why, "%s", item)
		}
		return ""
	}
}

// shrank: an item went from a list.
func shrank(why string) rule {
	return func(before, after any) string { return grew(why)(after, before) }
}

// alternatives: of a list one item is asked for, so another one makes it easier,
// and the list gone means that nothing is asked.
func alternatives(without, more string) rule {
	return func(before, after any) string {
		switch {
		case before == nil:
			return "" // what asks is stricter than what does not
		case after == nil:
			item, _ := beyond(before, nil)
			return strings.ReplaceAll(without, "%s", item)
		}
		return grew(more)(before, after)
	}
}

// beyond is the first item of a list that another one lacks.
func beyond(list, other any) (string, bool) {
	items, _ := list.([]any)
	known, _ := other.([]any)
	for _, item := range items {
		if !slices.ContainsFunc(known, func(k any) bool { return reflect.DeepEqual(k, item) }) {
			return text(item), true
		}
	}
	return "", false
}

// text is an item in a sentence.
func text(item any) string {
	fields, ok := item.(map[string]any)
	if !ok {
		return fmt.Sprint(item)
	}
	for _, key := range []string{"name", "application", "pattern", "json_path", "xpath", "regex"} {
		if word, ok := fields[key].(string); ok {
			return word
		}
	}
	return "an item"
}

// more: a number or a time grew; none is the largest.
func more(why string) rule {
	return func(before, after any) string {
		if before != nil && after != nil && amount(after) > amount(before) {
			return why
		}
		return ""
	}
}

func less(why string) rule {
	return func(before, after any) string { return more(why)(after, before) }
}

func amount(v any) float64 {
	switch own := v.(type) {
	case float64:
		return own
	case string:
		if d, err := time.ParseDuration(own); err == nil {
			return float64(d)
		}
		if own == "none" {
			return float64(1 << 62)
		}
	}
	return 0
}

// nobody: callers are not identified any more.
func nobody(before, after any) string {
	if _, asked := before.(map[string]any); asked && (after == nil || after == "none") {
		return "nobody is identified: everybody may call"
	}
	return ""
}

// plain: requests may come without TLS.
func plain(before, after any) string {
	admits := func(v any) bool {
		words, _ := v.([]any)
		return len(words) == 0 || slices.Contains(words, any("http"))
	}
	if !admits(before) && admits(after) {
		return "requests may come over http"
	}
	return ""
}

func unencrypted(why string) rule {
	return func(before, after any) string {
		old, _ := before.(string)
		now, _ := after.(string)
		if strings.HasPrefix(old, "https:") && strings.HasPrefix(now, "http:") {
			return why
		}
		return ""
	}
}

// targets: requests go on without TLS.
func targets(before, after any) string {
	plain := func(v any) bool {
		list, _ := v.([]any)
		return slices.ContainsFunc(list, func(item any) bool {
			fields, _ := item.(map[string]any)
			url, _ := fields["url"].(string)
			return strings.HasPrefix(url, "http:")
		})
	}
	if before != nil && !plain(before) && plain(after) {
		return "requests go to the service over http"
	}
	return ""
}

// claims: a rule is gone, or admits other values.
func claims(before, after any) string {
	rules, _ := after.([]any)
	old, _ := before.([]any)
	for _, rule := range old {
		if slices.ContainsFunc(rules, func(now any) bool { return narrower(rule, now) }) {
			continue
		}
		return "claim " + text(rule) + " is not asked for as before"
	}
	return ""
}

// narrower reports whether a rule of a claim admits nothing that another does
// not.
func narrower(old, now any) bool {
	a, _ := old.(map[string]any)
	b, _ := now.(map[string]any)
	if reflect.DeepEqual(a, b) {
		return true
	}
	if a["name"] != b["name"] || a["one_of"] == nil {
		return false
	}
	admitted, _ := a["one_of"].([]any)
	if b["equals"] != nil {
		return slices.Contains(admitted, b["equals"])
	}
	_, wider := beyond(b["one_of"], a["one_of"])
	return b["one_of"] != nil && !wider
}
