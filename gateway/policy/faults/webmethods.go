package faults

import (
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// vendorAnswer is how webMethods API Gateway tells of any failure, both spaces
// before "Client IP" included.
var vendorAnswer = config.FaultMessage{
	ContentType: "json",
	Body: `{"Exception":"API Gateway encountered an error. Error Message: $ERROR_MESSAGE. Request Details: ` +
		`Service - $SERVICE, Operation - $OPERATION, Invocation Time:$TIME, Date:$DATE,  ` +
		`Client IP - $CLIENT_IP, User - $USER and Application:$CONSUMER_APPLICATION"}`,
}

// wordings are that gateway's own words, by our codes, where they are known. The
// first begins with a space there too.
var wordings = map[string]string{
	problem.TokenMissing.Code:       " Unauthorized application request",
	problem.InvalidToken.Code:       " Unauthorized application request",
	problem.Unidentified.Code:       " Unauthorized application request",
	problem.InvalidCredential.Code:  " Unauthorized application request",
	problem.ProtocolNotAllowed.Code: "Transport protocol not supported",
	problem.OriginNotAllowed.Code:   "Specified Origin is not allowed",
	problem.HeaderNotAllowed.Code:   "Header Not Supported",
	problem.UpstreamFailed.Code:     "Downtime exception: Not able to reach end point",
}

// wording is what $ERROR_MESSAGE says of p: never more than p does.
func wording(p *problem.Problem) string {
	if words, ok := wordings[p.Code]; ok {
		return words
	}
	return p.Title
}
