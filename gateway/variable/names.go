package variable

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/gateway/claim"
	"postern/gateway/message"
	"postern/provisioning/config"
)

// read appends a variable's value, which may be empty.
type read func(dst []byte, v *Values) []byte

// found is a variable that a text names.
type found struct {
	read   read
	number bool // its value is one, in digits
	path   bool // its value is a canonical path, or a part of one
	// value reads what can stand for itself in JSON, where no string is begun; nil:
	// it is a string there.
	value read
	uses  uses
}

// uses is what of an exchange must be there for a variable to be read.
type uses uint8

const (
	ofRequestBody uses = 1 << iota
	ofAnswer
	ofAnswerBody
)

// fixed are the variables whose names are whole.
var fixed = map[string]found{
	"request.path":                   {read: path, path: true},
	"request.httpMethod":             {read: sentMethod},
	"request.correlationID":          {read: id},
	"request.authorization.clientId": {read: client},
	"request.authorization.issuer":   {read: issuer},
	"request.authorization.userName": {read: subject},
	"request.authorization.audience": {read: ofClaim("aud")},
	"request.application.id":         {read: applicationID},
	"request.application.name":       {read: applicationName},
	"response.statusCode":            {read: status, number: true, uses: ofAnswer},
	"response.statusMessage":         {read: reason, uses: ofAnswer},
	requestPayload:                   {read: wholePayload(request), value: wholeValue(request), uses: ofRequestBody},
	responsePayload:                  {read: wholePayload(answer), value: wholeValue(answer), uses: ofAnswer | ofAnswerBody},
	"apiName":                        {read: apiName},
	"apiVersion":                     {read: apiVersion},
	"operationName":                  {read: operation},
	"inboundHttpMethod":              {read: method},
	"sys:resource_path":              {read: resourcePath, path: true},
}

// credentials are what the caller has presented.
var credentials = map[string]found{
	"request.authorization.authHeader":    {read: authorization},
	"request.authorization.apiKey":        {read: key},
	"request.authorization.incomingToken": {read: token},
}

// problems are those of what went wrong.
var problems = map[string]found{
	"problem.code":   {read: func(dst []byte, v *Values) []byte { return append(dst, v.Problem.Code...) }},
	"problem.title":  {read: func(dst []byte, v *Values) []byte { return append(dst, v.Problem.Title...) }},
	"problem.detail": {read: func(dst []byte, v *Values) []byte { return append(dst, v.Problem.Detail...) }},
	"problem.status": {read: problemStatus, number: true},
}

// words are the vendor's own in texts about failures; each follows a dollar sign.
var words = map[string]read{
	"ERROR_MESSAGE":        func(dst []byte, v *Values) []byte { return append(dst, v.Message...) },
	"SERVICE":              or("Unknown", apiName),
	"OPERATION":            or("Unknown", operation),
	"TIME":                 func(dst []byte, v *Values) []byte { return v.Now.UTC().AppendFormat(dst, "03:04:05 PM") },
	"DATE":                 func(dst []byte, v *Values) []byte { return v.Now.UTC().AppendFormat(dst, "Jan 2, 2006") },
	"CLIENT_IP":            address,
	"USER":                 or("Default", subject),
	"CONSUMER_APPLICATION": or("sys:defaultApplication", applicationName),
}

// named are the variables that end with a name of the caller's choice.
var named = []struct {
	prefix string
	read   func(name string) read
	uses   uses
}{
	{"request.headers.", requestHeader, 0},
	{"request.query.", query, 0},
	{"request.authorization.claims.", ofClaim, 0},
	{"request.application.claims.", ofClaim, 0},
	{"response.headers.", responseHeader, ofAnswer},
}

// What bodies are named by.
const (
	requestPayload  = "request.payload"
	responsePayload = "response.payload"
)

// payloads are those that expressions look into.
var payloads = []struct {
	name string
	of   body
	uses uses
}{
	{requestPayload, request, ofRequestBody},
	{responsePayload, answer, ofAnswer | ofAnswerBody},
}

// expressions are what finds something in a body.
var expressions = []struct {
	prefix  string
	compile func(text string) (*message.Expression, error)
}{
	{".jsonPath[", message.JSONPath},
	{".xpath[", func(text string) (*message.Expression, error) { return message.XPath(text, nil) }},
	{".regex[", message.Regex},
}

// secrets are what no caller is shown, by the end of the variable that would.
var secrets = map[string][]string{
	"request.authorization.": {"authHeader", "apiKey", "incomingToken"},
	"request.headers.":       {"Authorization", "Proxy-Authorization", "Cookie", "X-Gateway-APIKey", "DPoP"},
	"request.query.":         {"access_token", "APIKey"},
	"response.headers.":      {"Set-Cookie"},
}

// absent are variables of the grammar that this gateway has no value for.
var absent = map[string]string{
	"request.application.version": "applications have no version",
}

// find looks a variable up. Aliases have been replaced before, when the settings
// were read.
func find(written, name string, place Place) (found, error) {
	if strings.HasPrefix(written, "$") && !strings.HasPrefix(written, "${") {
		return found{read: words[name]}, nil
	}
	if isSecret(name, place) && !place.Inside {
		return found{}, fmt.Errorf("%s is a secret, which no answer may show", written)
	}
	for prefix, why := range absent {
		if rest, ok := strings.CutPrefix(name, prefix); ok && (rest == "" || rest[0] == '.') {
			return found{}, fmt.Errorf("%s: %s", written, why)
		}
	}
	v, err := known(written, name, place)
	switch {
	case err != nil:
		return found{}, err
	case v.uses&ofRequestBody != 0 && !place.RequestBody:
		return found{}, fmt.Errorf("%s: the body of the request has been sent on by then", written)
	case v.uses&ofAnswer != 0 && place.NoAnswer:
		return found{}, fmt.Errorf("%s: there is no answer yet", written)
	}
	return v, nil
}

// known looks among the variables there are.
func known(written, name string, place Place) (found, error) {
	if v, ok := fixed[name]; ok {
		return v, nil
	}
	if v, ok := credentials[name]; ok {
		return v, nil // whether they may be shown has been asked before
	}
	if v, ok := problems[name]; ok && place.Problem {
		return v, nil
	}
	for _, n := range named {
		if end, ok := strings.CutPrefix(name, n.prefix); ok && end != "" {
			return found{read: n.read(end), uses: n.uses}, nil
		}
	}
	if v, ok, err := expressed(written, name); ok {
		return v, err
	}
	return found{}, fmt.Errorf("%s is no variable%s", written, config.DidYouMean(name, candidates(name, place)))
}

// expressed is what an expression finds in a body; ok: name is that of one.
func expressed(written, name string) (v found, ok bool, err error) {
	for _, p := range payloads {
		for _, e := range expressions {
			text, ok := strings.CutPrefix(strings.TrimSuffix(name, "]"), p.name+e.prefix)
			if !ok {
				continue
			}
			expression, err := e.compile(text)
			if err != nil {
				return found{}, true, fmt.Errorf("%s: %w", written, err)
			}
			v := found{read: inPayload(p.of, expression), uses: p.uses}
			if e.prefix == ".jsonPath[" {
				v.value = valueInPayload(p.of, expression)
			}
			return v, true, nil
		}
	}
	return found{}, false, nil
}

func isSecret(name string, place Place) bool {
	for prefix, ends := range secrets {
		end, ok := strings.CutPrefix(name, prefix)
		same := func(s string) bool { return strings.EqualFold(s, end) }
		if ok && (slices.ContainsFunc(ends, same) || slices.ContainsFunc(place.Secrets, same)) {
			return true
		}
	}
	return false
}

// candidates are what name may have been meant to be.
func candidates(name string, place Place) []string {
	names := slices.Sorted(maps.Keys(fixed))
	if place.Problem {
		names = slices.AppendSeq(names, maps.Keys(problems))
	}
	if place.Inside {
		names = slices.AppendSeq(names, maps.Keys(credentials))
	}
	for _, n := range named {
		names = append(names, n.prefix+ending(name, strings.Count(n.prefix, ".")))
	}
	_, bracket, _ := strings.Cut(name, "[")
	for _, p := range payloads {
		for _, e := range expressions {
			names = append(names, p.name+e.prefix+bracket)
		}
	}
	slices.Sort(names)
	return names
}

// ending is what follows the first dots of a name; "NAME" if nothing does.
func ending(name string, dots int) string {
	parts := strings.SplitN(name, ".", dots+1)
	if len(parts) <= dots || parts[dots] == "" {
		return "NAME"
	}
	return parts[dots]
}

// ofClaim reads a claim of the caller's verified token: a list is joined by
// commas, and what is an object is empty.
func ofClaim(name string) read {
	at := claim.Parse(name)
	return func(dst []byte, v *Values) []byte {
		value, _ := at.Find(v.X.Caller.Claims)
		return appendClaim(dst, value)
	}
}
