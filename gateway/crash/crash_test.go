package crash_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/crash"
)

const marker = "s3cr3t-marker"

// refuse panics with what somebody sent, which is its argument, too.
//
//go:noinline
func refuse(text string) { panic("cannot do " + text) }

func TestPanic(t *testing.T) {
	for name, tt := range map[string]struct {
		cause func()
		want  string
	}{
		"runtime": {func() { var p *struct{ n int }; p.n++ }, "runtime error: invalid memory address or nil pointer dereference"},
		"text":    {func() { refuse(marker) }, "a value of type string"},
		"error":   {func() { panic(errors.New(marker)) }, "a value of type *errors.errorString"},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			func() {
				defer func() {
					zap.New(core).Error("panic", crash.Fields(recover()))
				}()
				tt.cause()
			}()
			fields := logs.All()[0].ContextMap()
			if fields["panic"] != tt.want {
				t.Errorf("panic %v, want %q", fields["panic"], tt.want)
			}
			if stack := fields["stack"].(string); !strings.Contains(stack, "crash_test.go") || strings.Contains(stack, marker) {
				t.Errorf("stack %s", stack)
			}
		})
	}
}
