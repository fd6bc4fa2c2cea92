package crdt_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

const stampMillis = 1 << 16 // one millisecond of stamps

func TestStampAtIsTheFirstOfItsMillisecond(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 123_999_999, time.UTC)
	s := crdt.StampAt(at)
	if want := crdt.Stamp(at.UnixMilli()) << 16; s != want {
		t.Fatalf("StampAt = %d, want %d", s, want)
	}
	if want := at.Truncate(time.Millisecond); !s.Time().Equal(want) || s.Time().Location() != time.UTC {
		t.Fatalf("Time = %v, want %v", s.Time(), want)
	}
}

func TestStampAtClamps(t *testing.T) {
	for _, tc := range []struct {
		at   time.Time
		want crdt.Stamp
	}{
		{time.UnixMilli(-1), 0},
		{time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{time.UnixMilli(0), 0},
		{time.UnixMilli(1), stampMillis},
		{time.UnixMilli(1<<48 - 1), (1<<48 - 1) << 16},
		{time.UnixMilli(1 << 48), (1<<48 - 1) << 16},
		{time.Time{}, 0},
	} {
		if got := crdt.StampAt(tc.at); got != tc.want {
			t.Errorf("StampAt(%v) = %d, want %d", tc.at, got, tc.want)
		}
	}
}

func TestStampsOrderAsTheirTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(0, 1<<48-1)
		a, b := ms.Draw(t, "a"), ms.Draw(t, "b")
		sa, sb := crdt.StampAt(time.UnixMilli(a)), crdt.StampAt(time.UnixMilli(b))
		if (a < b) != (sa < sb) || sa.Time().UnixMilli() != a {
			t.Fatalf("%d, %d became %d, %d", a, b, sa, sb)
		}
	})
}

func TestStampAddKeepsTheCounterAndSaturates(t *testing.T) {
	const greatest = crdt.Stamp(math.MaxUint64)
	for _, tc := range []struct {
		s    crdt.Stamp
		d    time.Duration
		want crdt.Stamp
	}{
		{7, 0, 7},
		{7, 60 * time.Second, 60_000*stampMillis + 7},
		{60_000*stampMillis + 7, -60 * time.Second, 7},
		{7, 1999 * time.Microsecond, stampMillis + 7},
		{stampMillis + 7, -1999 * time.Microsecond, 7},
		{stampMillis + 7, -999 * time.Microsecond, stampMillis + 7},
		{7, -time.Millisecond, 0},
		{0, math.MinInt64, 0},
		{greatest, time.Millisecond, greatest},
		{greatest - stampMillis, time.Millisecond, greatest},
		{greatest - stampMillis + 1, time.Millisecond, greatest},
		{greatest, math.MaxInt64, greatest},
		{greatest, -time.Millisecond, greatest - stampMillis},
	} {
		if got := tc.s.Add(tc.d); got != tc.want {
			t.Errorf("%d.Add(%v) = %d, want %d", tc.s, tc.d, got, tc.want)
		}
	}
}

func TestStampNextIsGreaterUntilTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crdt.Stamp(rapid.Uint64Max(math.MaxUint64-1).Draw(t, "stamp"))
		if s.Next() != s+1 {
			t.Fatalf("%d.Next() = %d", s, s.Next())
		}
	})
	if got := crdt.NoHorizon.Next(); got != crdt.NoHorizon {
		t.Fatalf("the last stamp's next is %d", got)
	}
}
