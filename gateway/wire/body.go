package wire

// Body is a message body, read from a connection as it arrives.
type Body struct{}
