package trace

import "errors"

// ErrNotBuilt is what asking for an exporter meets in a build without one.
var ErrNotBuilt = errors.New("this build cannot export spans: use the image postern:otel, or build with -tags otel")
