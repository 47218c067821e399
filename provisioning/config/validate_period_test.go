package config

import (
	"testing"
	"time"
)

func TestPeriodAsText(t *testing.T) {
	for _, tt := range []struct {
		period Period
		want   string
	}{
		{Period{}, ""},
		{Period{Span: time.Second}, "1s"},
		{Period{Span: 10 * time.Minute}, "10m"},
		{Period{Span: 90 * time.Second}, "1m30s"},
		{Period{Span: 24 * time.Hour}, "24h"},
		{Period{Span: time.Hour + 10*time.Minute}, "1h10m"},
		{Period{Span: time.Hour + time.Second}, "1h0m1s"},
		{Period{Calendar: CalendarWeek, Count: 1}, "calendar_week"},
		{Period{Calendar: CalendarMonth, Count: 3}, "3 calendar_months"},
	} {
		if got := tt.period.String(); got != tt.want {
			t.Errorf("%#v is %q, want %q", tt.period, got, tt.want)
		}
	}
}
