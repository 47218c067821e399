// Package crash writes panics for the log: where they came from, and no more of
// what they say than is sure to hold nothing of a request.
package crash

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Text is what may be told of a recovered value: the text of the runtime's own
// errors, of any other value its type.
func Text(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", value)
}

// Fields are Text and where the panic that was just recovered came from, with
// arguments as addresses.
func Fields(value any) zap.Field {
	stack := string(debug.Stack())
	return zap.Inline(zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error {
		e.AddString("panic", Text(value))
		e.AddString("stack", stack)
		return nil
	}))
}
