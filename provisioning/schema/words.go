package schema

import (
	"strconv"
	"strings"
)

// words are the values of the keys that take nothing else, by Type.key: what
// Validate of provisioning/config compares them with.
func words() map[string][]string {
	return map[string][]string{
		"Logging.level":                             {"debug", "info", "warn", "error"},
		"Logging.format":                            {"json", "combined"},
		"Tracing.continue":                          {"always", "trusted_proxies", "never"},
		"Alias.type":                                {"simple", "endpoint", "httpTransportSecurityAlias"},
		"TLS.client_auth":                           {"request", "require"},
		"UpstreamTLS.min_version":                   {"1.2", "1.3"},
		"Validation.undefined":                      {"refuse", "pass"},
		"RequestValidation.unknown_query":           {"allow", "refuse"},
		"RequiredHeaders.combine":                   {"and", "or"},
		"Mask.apply":                                {"payload", "log"},
		"MaskRule.action":                           {"mask", "filter"},
		"RouteRule.path":                            {"forward", "drop"},
		"RouteRule.query":                           {"forward", "drop"},
		"Paths.encoded_slash":                       {"reject", "keep"},
		"Cache.mode":                                {"standard", "ttl"},
		"Compression.codings":                       {"zstd", "br", "gzip"},
		"Compression.level":                         {"fastest", "default", "best"},
		"CacheKey.caller":                           {"each", "shared"},
		"FaultPolicy.format":                        {"problem", "webmethods"},
		"FaultPolicy.native":                        {"pass", "replace"},
		"Policies.protocols":                        {"http", "https"},
		"Identify.by":                               {"jwt", "opaque", "api_key", "basic", "certificate", "ip", "hostname", "payload"},
		"Identify.sender_constrained":               {"dpop", "mtls"},
		"Denylist.on_unavailable":                   {"deny", "allow"},
		"RemoteIntrospection.client_authentication": {"client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"},
		"Identify.applications":                     {"registered", "all", "none"},
		"Identify.combine":                          {"or", "and"},
		"Throttle.algorithm":                        {"window", "smooth"},
		"Throttle.missing":                          {"shared", "ip", "exempt"},
		"Throttle.week_starts":                      {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
		"Throttle.store":                            {"local", "redis"},
		"Throttle.on_unavailable":                   {"local", "deny", "allow"},
		"EventLog.level":                            {"debug", "info", "warn", "error"},
		"Destination.events":                        {"transactional", "error", "policy_violation", "monitor", "lifecycle", "performance_metrics"},
		"InvocationLog.when":                        {"always", "success", "failure"},
		"InvocationLog.messages":                    {"client", "server"},
		"MonitorRule.metric":                        {"availability", "average_response_time", "minimum_response_time", "maximum_response_time", "success_count", "fault_count", "total_request_count"},
		"MonitorRule.operator":                      {"gt", "lt", "eq"},
		"MonitorAlert.frequency":                    {"once", "always"},
		"MonitorAlert.level":                        {"info", "warn", "error"},
		"ThrottleAlert.frequency":                   {"once", "always"},
		"ThrottleAlert.level":                       {"info", "warn", "error"},
		"Identify.audience_also":                    {"api_uri", "application_id"},
	}
}

// anyCase are the keys of these whose words may be written in capitals.
func anyCase() []string { return []string{"Logging.level"} }

// oneOf is one of some words; a word that looks like a number need not be quoted.
func oneOf(words []string) object {
	values := make([]any, len(words))
	for i, word := range words {
		values[i] = word
	}
	for _, word := range words {
		if number, err := strconv.ParseFloat(word, 64); err == nil {
			values = append(values, number)
		}
	}
	return object{"enum": values}
}

// inAnyCase takes a word however it is written, and proposes the small letters.
func inAnyCase(words []string) object {
	var form strings.Builder
	for i, word := range words {
		if i > 0 {
			form.WriteByte('|')
		}
		for _, letter := range word {
			form.WriteString("[" + string(letter) + strings.ToUpper(string(letter)) + "]")
		}
	}
	return either(oneOf(words), pattern(form.String(), field{}))
}
