package archive_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"postern/provisioning/archive"
)

// tree is a parameter in short: {"name": values or parameters}.
func tree(t testing.TB, name string, value any) map[string]any {
	t.Helper()
	node := map[string]any{"templateKey": name}
	list, _ := value.([]any)
	var values, parameters []any
	for _, item := range list {
		fields, nested := item.(map[string]any)
		if !nested {
			values = append(values, item)
			continue
		}
		for key, inner := range fields {
			parameters = append(parameters, tree(t, key, inner))
		}
	}
	node["values"], node["parameters"] = values, parameters
	return node
}

// actionOf is a policy action whose parameters are written in short.
func actionOf(t testing.TB, key, short string) string {
	t.Helper()
	var list []any
	if err := json.Unmarshal([]byte(short), &list); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(tree(t, key, list))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ruleOf is a rule on a figure, in short.
func ruleOf(figure, operator string) string {
	return `{"monitorRules":[{"monitorRuleName":["` + figure + `"]},{"monitorRuleOperator":["` + operator + `"]},{"value":["7"]}]}`
}

// TestPolicies: each parameter of a policy changes what it becomes.
func TestPolicies(t *testing.T) {
	const to = `{"routeTo":[{"endpointUri":["http://a:1/${sys:resource_path}"]},{"connectTimeout":["3"]},{"readTimeout":["4"]}]}`
	const there = "upstream: {targets: [{url: \"http://a:1\"}], connect_timeout: 3s, timeout: 4s}"
	limit := func(more string) string {
		return `[{"throttleRule":[{"throttleRuleName":["requestCount"]},{"monitorRuleOperator":["GT"]},{"value":["50"]}]},{"alertIntervalUnit":["minutes"]}` + more + `]`
	}
	const limited = "throttle:\n- requests: 50\n  per: "
	for _, tt := range []struct{ name, key, action, want string }{
		{"protocols", "entryProtocolPolicy", `[{"protocol":["http","https"]},{"soapVersion":["soap"]}]`, "protocols: [http, https]"},
		{"key or password", "evaluatePolicy", `[{"logicalConnector":["OR"]},{"IdentificationRule":[{"identificationType":["apiKey"]}]},{"IdentificationRule":[{"identificationType":["httpBasicAuth"]}]}]`, "identify:\n  by: [api_key, basic]"},
		{"both", "evaluatePolicy", `[{"logicalConnector":["AND"]},{"IdentificationRule":[{"identificationType":["ipAddressRange"]}]},{"IdentificationRule":[{"identificationType":["httpsCertificate"]}]}]`, "identify:\n  by: [ip, certificate]\n  combine: and"},
		{"anonymous", "evaluatePolicy", `[{"allowAnonymous":["true"]},{"IdentificationRule":[{"identificationType":["hostNameAddress"]}]}]`, "identify:\n  by: [hostname]\n  anonymous: true"},
		{"all applications", "evaluatePolicy", `[{"IdentificationRule":[{"applicationLookup":["relax"]},{"identificationType":["apiKey"]}]}]`, "identify:\n  by: [api_key]\n  applications: all"},
		{"OAuth2", "evaluatePolicy", `[{"IdentificationRule":[{"applicationLookup":["open"]},{"identificationType":["oAuth2Token"]}]}]`, "identify:\n  by: [jwt]\n  auth_servers: [corp]"},
		{"users", "authorizeUser", `[{"users":["a"]},{"groups":["b","c"]},{"accessProfiles":["d"]}]`, "authorize:\n  users:\n    any: [a]\n  groups:\n    any: [b, c]\n  access_profiles:\n    any: [d]\n  combine: or"},
		{"one user", "authorizeUser", `[{"users":["a"]}]`, "authorize:\n  users:\n    any: [a]"},
		{"a limit", "throttle", limit(``), limited + "1m"},
		{"minutes", "throttle", limit(`,{"alertInterval":["2"]}`), limited + "2m"},
		{"hours", "throttle", strings.Replace(limit(``), "minutes", "hours", 1), limited + "1h"},
		{"each application", "throttle", limit(`,{"consumerIds":["EachRegisteredConsumer"]}`), limited + "1m\n  by: [application]\n  applications: registered"},
		{"all that are registered", "throttle", limit(`,{"consumerIds":["AllRegisteredConsumers"]}`), limited + "1m\n  applications: registered"},
		{"each", "throttle", limit(`,{"consumerIds":["EachConsumer"]}`), limited + "1m\n  by: [application]"},
		{"everybody", "throttle", limit(`,{"consumerIds":["AnyConsumers"]}`), limited + "1m"},
		{"one application", "throttle", limit(`,{"consumerIds":["app1"]}`), limited + "1m\n  applications: [client]"},
		{"a counter for each", "throttle", limit(`,{"consumerIds":["app1"]},{"consumerSpecificCounter":["true"]}`), limited + "1m\n  by: [application]\n  applications: [client]"},
		{"an alert", "throttle", limit(`,{"alertMessage":["slow"]},{"alertFrequency":["always"]}`), limited + "1m\n  alert:\n    message: slow\n    frequency: always"},
		{"a month", "throttle", strings.Replace(limit(``), "minutes", "calendar_month", 1), limited + "calendar_month"},
		{"two weeks", "throttle", strings.Replace(limit(`,{"alertInterval":["2"]}`), "minutes", "calendar_week", 1), limited + "2 calendar_weeks"},
		{"days", "throttle", strings.Replace(limit(`,{"alertInterval":["2"]}`), "minutes", "days", 1), limited + "48h"},
		{"weeks of seven days", "throttle", strings.Replace(limit(``), "minutes", "weeks", 1), limited + "168h"},
		{"weeks from Sunday", "throttle", strings.Replace(limit(`,{"startDayOfTheWeek":["Sunday"]}`), "minutes", "calendar_week", 1), limited + "calendar_week\n  week_starts: sunday"},
		{"callers that are not registered", "throttle", limit(`,{"consumerIds":["AllNonRegisteredConsumers"]}`), limited + "1m\n  applications: unregistered"},
		{"each that is not registered", "throttle", limit(`,{"consumerIds":["EachNonRegisteredConsumer"]}`), limited + "1m\n  by: [application]\n  applications: unregistered"},
		{"both kinds", "throttle", limit(`,{"consumerIds":["AllRegisteredConsumers","AllNonRegisteredConsumers"]}`), limited + "1m"},
		{"many of one address", "ipdos", `[{"limitBy":["IP"]},{"isDOSEnabled":[true]},{"maximumRequests":["5"]},{"requestsPerSeconds":["60"]}]`, "throttle: [{requests: 5, per: 60s, by: [ip]}]"},
		{"many of all", "globalipdos", `[{"limitBy":["GLOBALIP"]},{"isDOSEnabled":[true]},{"maximumRequests":[5]},{"requestsPerSeconds":[1]}]`, "throttle: [{requests: 5, per: 1s}]"},
		{"many, switched off", "globalipdos", `[{"limitBy":["GLOBALIP"]},{"isDOSEnabled":[false]}]`, ""},
		{"fields that must be there", "validateAPISpec", `[{"schemaValidationFlag":["false"]},{"headersValidationFlag":["true"]},{"validateHTTPHeaders":[{"logicalConnector":["OR"]},{"httpHeaderNonReqValue":[{"headerKey":["Content-Type"]},{"headerValueNonRequired":["application/json"]}]},{"httpHeaderNonReqValue":[{"headerKey":["X-A"]}]}]}]`, "validate: {request: {required_headers: {combine: or, headers: [{name: Content-Type, equals: application/json}, {name: X-A}]}}}"},
		{"nothing that must be there", "validateAPISpec", `[{"headersValidationFlag":["false"]}]`, ""},
		{"masks of messages", "requestDataMasking", `[{"jpathMasking":[{"maskingCriteria":[{"action":["${request.payload.a}"]}]}]},{"sameForTransactionalLogging":["false"]}]`, "mask: {request: [{json_path: \"${request.payload.a}\"}], apply: [payload]}"},
		{"masks of the log", "requestDataMasking", `[{"jpathMasking":[{"maskingCriteria":[{"action":["$.a"]}]}]},{"applyForPayload":["false"]}]`, "mask: {request: [{json_path: $.a}], apply: [log]}"},
		{"a token of the gateway", "outboundTransportAuthentication", `[{"transportSecurity":[{"authType":["OAUTH2"]},{"authMode":["NEW"]},{"oauth2Token":["t"]}]}]`, "outbound: {api_key: {header: Authorization, value: Bearer t}}"},
		{"types", "setMediaType", `[{"defaultContentType":["a/b"]},{"defaultAccept":["c/d"]}]`, "transform: {request: [{when: {all: [{variable: \"${request.headers.Content-Type}\", exists: false}]}, set_headers: {Content-Type: a/b}}, {when: {all: [{variable: \"${request.headers.Accept}\", exists: false}]}, set_headers: {Accept: c/d}}]}"},
		{"a field twice", "customHttpHeaders", `[{"header":[{"headerKey":["A"]},{"headerValue":["b"]}]},{"header":[{"headerKey":["A"]},{"headerValue":["c"]}]}]`, "transform: {request: [{set_headers: {A: c}}]}"},
		{"monitor days", "monitorServicePerformance", `[{"alertIntervalUnit":["days"]},{"alertFrequency":["always"]},` + ruleOf("faultCount", "GT") + `]`, "monitor: [{interval: 24h, rules: [{metric: fault_count, operator: gt, value: 7}], alert: {frequency: always}}]"},
		{"monitor each", "monitorSLA", `[{"consumerIds":["EachConsumer"]},` + ruleOf("faultCount", "GT") + `]`, "monitor: [{applications: each, rules: [{metric: fault_count, operator: gt, value: 7}]}]"},
		{"a parameter of the endpoint", "straightThroughRouting", `[{"endpointUri":["http://a:1/x/${sys:resource_path}?tenant=X"]}]`, "route: {rules: [{name: endpoint, set_query: {tenant: X}}]}"},
		{"another form of it", "straightThroughRouting", `[{"endpointUri":["http://a:1/x/${sys:resource_path}&tenant=X&b=c%20d"]}]`, "route: {rules: [{name: endpoint, set_query: {b: c d, tenant: X}}]}"},
		{"a parameter without the path", "straightThroughRouting", `[{"endpointUri":["http://a:1/x?tenant=X"]}]`, "route: {rules: [{name: endpoint, path: drop, query: drop, set_query: {tenant: X}}]}"},
		{"a method", "straightThroughRouting", `[{"endpointUri":["http://a:1/${sys:resource_path}"]},{"method":["POST"]}]`, "route: {rules: [{name: endpoint, method: POST}]}"},
		{"by a field", "contentBasedRouting", `[` + to + `,{"contentRules":[` + to + `,{"name":["one"]},{"payloadIdentifier":[{"expressionType":["jsonPath"]},{"expression":["${request.headers.isSSLEnabled}"]}]}]}]`, "route: {rules: [{name: one, when: {all: [{header: {name: isSSLEnabled}}]}, " + there + "}]}"},
		{"by a member", "contentBasedRouting", `[` + to + `,{"contentRules":[` + to + `,{"name":["one"]},{"payloadIdentifier":[{"expressionType":["jsonPath"]},{"expression":["${request.payload.a}"]}]},{"payloadIdentifier":[{"expressionType":["jsonPath"]},{"expression":["${request.payload.jsonPath[$.b]}"]}]},{"payloadIdentifier":[{"expressionType":["text"]},{"expression":["c+"]}]},{"payloadIdentifier":[{"expressionType":["xpath"]},{"expression":["//d"]}]}]}]`, "route: {rules: [{name: one, when: {all: [{payload: {json_path: $.a}}, {payload: {json_path: $.b}}, {payload: {regex: c+}}, {payload: {xpath: //d}}]}, " + there + "}]}"},
		{"origins that are patterns", "cors", `[{"corsAttributes":[{"allowedOrigins":["10.60.20.30","https://.*[.]example[.]com","https://a:8"]}]}]`, "cors: {origins: [{pattern: 10.60.20.30}, {pattern: \"https://.*[.]example[.]com\"}, \"https://a:8\"]}"},
		{"ways with different callers", "evaluatePolicy", `[{"IdentificationRule":[{"applicationLookup":["strict"]},{"identificationType":["apiKey"]}]},{"IdentificationRule":[{"applicationLookup":["relax"]},{"identificationType":["httpBasicAuth"]}]}]`, "identify: {by: [api_key, basic]}"},
		{"set and removed", "requestTransformation", `[{"requestTransformationConfiguration":[{"commonTransformation":[{"remove":["${request.headers.X-A}","","${request.headers.X-B}"]},{"addOrModify":[{"transformationVariable":["${request.headers.x-a}"]},{"transformationValue":["1"]}]},{"addOrModify":[{"transformationVariable":["${request.headers.X-A}"]},{"transformationValue":["2"]}]}]},{"methodTransformation":[{"method":["CUSTOM"]}]}]}]`, "transform: {request: [{set_headers: {x-a: \"2\"}, remove_headers: [X-B]}]}"},
		{"no change", "responseTransformation", `[{"requestTransformationConfiguration":[{"methodTransformation":[{"method":["CUSTOM"]}]}]}]`, ""},
		{"no limit", "throttle", `[{"throttleRule":[{"monitorRuleOperator":["EQ"]},{"value":["-1"]}]}]`, ""},
		{"masks", "responseDataMasking", `[{"jpathMasking":[{"maskingCriteria":[{"action":["$..a"]},{"maskingType":["mask"]},{"maskValue":["#"]}]}]},{"xpathMasking":[{"maskingCriteria":[{"action":["//b"]},{"maskingType":["filter"]}]}]},{"regexMasking":[{"maskingCriteria":[{"action":["c"]}]}]}]`, "mask:\n  response:\n  - json_path: $..a\n    with: '#'\n  - xpath: //b\n    action: filter\n  - regex: c"},
		{"masks of requests", "requestDataMasking", `[{"jpathMasking":[{"maskingCriteria":[{"action":["$.a"]}]}]}]`, "mask:\n  request:\n  - json_path: $.a"},
		{"masks of faults", "faultDataMasking", `[{"jpathMasking":[{"maskingCriteria":[{"action":["$.a"]}]}]}]`, "mask:\n  fault:\n  - json_path: $.a"},
		{"the caller's password", "outboundTransportAuthentication", `[{"transportSecurity":[{"authType":["HTTP_BASIC"]},{"authMode":["INCOMING_HTTP_BASIC_AUTH"]}]}]`, "outbound: forward_basic"},
		{"the caller's token", "outboundTransportAuthentication", `[{"transportSecurity":[{"authType":["JWT"]},{"authMode":["INCOMING_JWT"]}]}]`, "outbound: forward_token"},
		{"a password", "outboundTransportAuthentication", `[{"transportSecurity":[{"authType":["HTTP_BASIC"]},{"authMode":["NEW"]},{"httpAuthCredentials":[{"userName":["u"]},{"password":["p"]}]}]}]`, "outbound: {basic: {user: u, password: p}}"},
		{"nothing", "outboundTransportAuthentication", `[{"transportSecurity":[{"authType":["NONE"]}]}]`, "outbound: none"},
		{"fields", "customHttpHeaders", `[{"header":[{"headerKey":["Accept"]},{"headerValue":["application/json"]}]}]`, "transform: {request: [{set_headers: {Accept: application/json}}]}"},
		{"monitor", "monitorSLA", `[{"alertInterval":["2"]},{"alertIntervalUnit":["minutes"]},{"alertMessage":["slow"]},{"consumerIds":["app1"]},{"monitorRules":[{"monitorRuleName":["availability"]},{"monitorRuleOperator":["EQ"]},{"value":["1"]}]}]`, "monitor: [{interval: 2m, rules: [{metric: availability, operator: eq, value: 1}], alert: {message: slow}, applications: [client]}]"},
		{
			"every figure", "monitorServicePerformance", `[` + ruleOf("averageResponseTime", "GT") + `,` + ruleOf("minimumResponseTime", "LT") + `,` + ruleOf("maximumResponseTime", "GT") + `,` + ruleOf("successCount", "LT") + `,` + ruleOf("faultCount", "GT") + `,` + ruleOf("totalRequestCount", "EQ") + `,` + ruleOf("requestCount", "GT") + `]`,
			"monitor: [{rules: [{metric: average_response_time, operator: gt, value: 7}, {metric: minimum_response_time, operator: lt, value: 7}, {metric: maximum_response_time, operator: gt, value: 7}, {metric: success_count, operator: lt, value: 7}, {metric: fault_count, operator: gt, value: 7}, {metric: total_request_count, operator: eq, value: 7}, {metric: total_request_count, operator: gt, value: 7}]}]",
		},
		{"cache", "serviceResultCache", `[{"cacheCriteria":[{"httpHeader":[{"httpHeaderName":["Accept"]},{"whiteList":["a/b"]}]},{"XPATH":[{"xpath-exp":["/p:a"]},{"namespace-src":[{"prefix-src":["p"]},{"uri-src":["urn:p"]}]}]},{"queryParam":[{"queryParamName":["q"]}]}]},{"ttl":["5d 4h 1m"]},{"max-payload-size":["1024"]}]`, "cache: {mode: ttl, ttl: 5d 4h 1m, max_entry: 1024KiB, key: {headers: [{name: Accept, only: [a/b]}], query: [{name: q}], payload: [{xpath: \"/p:a\", namespaces: {p: \"urn:p\"}}]}}"},
		{
			"errors", "conditionalErrorProcessing", `[{"preProcessingSteps":[]},{"customFailureMessages":[{"sendNativeProviderFault":["false"]},{"failureMessage":[{"contentType":["text"]},{"errortemplate":["no"]}]},{"failureMessage":[{"contentType":["json"]},{"errortemplate":["{\"e\":\"$ERROR_MESSAGE\"}"]},{"useAsDefault":[true]}]}]},
{"faultCriteria":[{"statusCodeCriteria":[{"statusCode":["401"]}]}]},{"faultCriteria":[{"headerCriteria":[{"headerName":["Accept"]},{"headerValue":["a/b"]}]}]},{"faultCriteria":[{"xpathCriteria":[{"payloadIdentifier":[{"expressionType":["jsonPath"]},{"expression":["$.e"]},{"value":["x"]}]}]}]}]`,
			`faults:
  format: webmethods
  native: replace
  rules:
  - {when: {status: ["401"]}, answer: &a {content_type: json, body: '{"e":"$ERROR_MESSAGE"}', also: [{content_type: text, body: "no"}]}}
  - {when: {headers: [{name: Accept, equals: a/b}]}, answer: *a}
  - {when: {payload: [{json_path: $.e, equals: x}]}, answer: *a}`,
		},
		{"errors of the service", "conditionalErrorProcessing", `[{"customFailureMessages":[{"sendNativeProviderFault":["true"]},{"failureMessage":[{"contentType":["text"]},{"errortemplate":["no"]}]}]}]`, "faults: {format: webmethods, default: {content_type: text, body: \"no\"}}"},
		{"one address", "straightThroughRouting", `[{"endpointUri":["http://a:1/x"]},{"forwardQueryParams":["true"]}]`, "route: {rules: [{name: endpoint, path: drop}]}"},
		{"one address, no query", "straightThroughRouting", `[{"endpointUri":["http://a:1/x"]}]`, "route: {rules: [{name: endpoint, path: drop, query: drop}]}"},
		{"by content", "contentBasedRouting", `[` + to + `,{"contentRules":[` + to + `,{"name":["one"]},{"payloadIdentifier":[{"expressionType":["jsonPath"]},{"expression":["$.a"]},{"value":["b"]}]}]}]`, "route: {rules: [{name: one, when: {all: [{payload: {json_path: $.a, equals: b}}]}, " + there + "}]}"},
		{
			"by context", "contextBasedRouting", `[` + to + `,{"contextRules":[` + to + `,{"contextConditionOperator":["or"]},{"contextCondition":[{"conditionVariable":["Consumer"]},{"conditionValue":["app1"]}]},{"contextCondition":[{"conditionVariable":["Date"]},{"conditionOperator":["LT"]},{"conditionValue":["2020-04-20"]}]},{"contextCondition":[{"conditionVariable":["IPV4"]},{"fromIp":["10.60.0.1"]},{"toIp":["10.60.0.10"]}]},{"contextCondition":[{"conditionVariable":["predefined"]},{"conditionOperator":["EQ"]},{"conditionDataType":["USER"]},{"conditionValue":["Admin"]}]},{"contextCondition":[{"conditionVariable":["INBOUND_HTTP_METHOD"]},{"conditionValue":["GET"]}]}]}]`,
			"route: {rules: [{name: rule-1, when: {any: [{application: [client]}, {date: {before: \"2020-04-20\"}}, {address: [10.60.0.1-10.60.0.10]}, {user: [Admin]}, {method: [GET]}]}, " + there + "}]}",
		},
		{"cors", "cors", `[{"corsAttributes":[{"allowedOrigins":["https://a"]},{"allowHeaders":["X-A"]},{"exposeHeaders":["X-B"]},{"allowCredentials":["true"]},{"allowMethods":["GET"]},{"maxAge":["60"]}]}]`, "cors:\n  origins: ['https://a']\n  methods: [GET]\n  headers: [X-A]\n  expose_headers: [X-B]\n  credentials: true\n  max_age: 60s"},
		{"log", "logInvocation", `[{"storeRequestHeaders":["true"]},{"storeRequestPayload":["true"]},{"storeResponseHeaders":["true"]},{"storeResponsePayload":["true"]},{"storeClientMessage":["true"]},{"storeServerMessage":["true"]},{"storeAsZip":["true"]},{"logGenerationFrequency":["OnFailure"]}]`, "invocationlog:\n- when: failure\n  request:\n    headers: true\n    body: true\n  response:\n    headers: true\n    body: true\n  messages: [client, server]\n  compress: true"},
		{"log on success", "logInvocation", `[{"storeResponseHeaders":["true"]},{"logGenerationFrequency":["OnSuccess"]}]`, "invocationlog:\n- when: success\n  response:\n    headers: true"},
		{
			"request", "requestTransformation", `[{"transformationConditions":[{"logicalConnector":["OR"]},{"transformationCondition":[{"transformationVariable":["${request.httpMethod}"]},{"transformationConditionOperator":["equals"]},{"transformationConditionValue":["POST"]}]}]},
{"requestTransformationConfiguration":[{"commonTransformation":[{"remove":["${request.headers.X-Old}"]},{"addOrModify":[{"transformationVariable":["${request.query.q}"]},{"transformationValue":["1"]}]},{"addOrModify":[{"transformationVariable":["${request.headers.X-New}"]},{"transformationValue":["${request.query.q}"]}]}]},{"methodTransformation":[{"method":["PUT"]}]},{"payloadTransformation":[{"payload":["<a/>"]}]}]}]`,
			"transform:\n  request:\n  - when:\n      any:\n      - variable: ${request.httpMethod}\n        equals: POST\n    method: PUT\n    body:\n      text: <a/>\n      content_type: xml\n    set_query:\n      q: \"1\"\n    set_headers:\n      X-New: ${request.query.q}\n    remove_headers: [X-Old]",
		},
		{"a request as it came", "requestTransformation", `[{"requestTransformationConfiguration":[{"methodTransformation":[{"method":["CUSTOM"]}]}]}]`, ""},
		{
			"answer", "responseTransformation", `[{"transformationConditions":[{"logicalConnector":["AND"]},{"transformationCondition":[{"transformationVariable":["${response.headers.X}"]},{"transformationConditionOperator":["exists"]}]}]},
{"responseTransformationConfiguration":[{"statusTransformation":[{"statusCodeOptional":["201"]},{"statusMessage":["Made"]}]},{"restHeaderTransformation":[{"addOrModify":[{"transformationVariable":["${response.headers.X-A}"]},{"transformationValue":["b"]}]}]},{"payloadTransformation":[{"payload":["{}"]}]}]}]`,
			"transform:\n  response:\n  - when:\n      all:\n      - variable: ${response.headers.X}\n        exists: true\n    status: 201\n    reason: Made\n    body:\n      text: '{}'\n      content_type: json\n    set_headers:\n      X-A: b",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := shop()
			const policy = "API/API.a1/Policy/Policy.p1/Policy.p1"
			id, want := "extra", strings.TrimSpace("identify:\n  by: [jwt]\n  auth_servers: [corp]\n"+tt.want)
			switch {
			case tt.key == "evaluatePolicy":
				id, want = "iam", tt.want
			case strings.HasSuffix(tt.key, "Routing"):
				id = "route"
			default:
				files[policy] = strings.Replace(files[policy], `{"enforcementObjectId":"iam"}`, `{"enforcementObjectId":"iam"},{"enforcementObjectId":"extra"}`, 1)
			}
			files["PolicyAction."+id] = actionOf(t, tt.key, tt.action)
			made, err := archive.Convert(put(t, t.TempDir(), "a.zip", zipped(t, files)))
			if err != nil {
				t.Fatal(err)
			}
			var bundle struct {
				APIs []struct{ Policies map[string]any }
			}
			if err := yaml.Unmarshal(made.Bundle, &bundle); err != nil || len(bundle.APIs) != 1 {
				t.Fatalf("%v, %v\n%s", err, made.Findings, made.Bundle)
			}
			var wanted map[string]any
			if err := yaml.Unmarshal([]byte(want), &wanted); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wanted, bundle.APIs[0].Policies); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
			if tt.key != "evaluatePolicy" && tt.key != "authorizeUser" { // passwords and users are never there
				load(t, made.Bundle)
			}
		})
	}
}
