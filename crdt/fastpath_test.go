package crdt_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// Whatever a hero's bytes are, a batch of it, which is read the quick way where
// that will do, and the hero alone, which is not, are told alike.
func TestTheQuickReaderAgreesWithTheCarefulOne(t *testing.T) {
	const batch = "\xa1\x01\x81"
	rapid.Check(t, func(t *rapid.T) {
		b := crdt.AppendHero(nil, crdttest.Hero().Draw(t, "hero"))
		for range rapid.IntRange(0, 2).Draw(t, "faults") {
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			switch rapid.IntRange(0, 3).Draw(t, "fault") {
			case 0:
				b = b[:max(at, 1)]
			case 1:
				b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case 2:
				b[at] = rapid.Byte().Draw(t, "byte")
			case 3:
				b = append(b[:at], b[at+1:]...)
			}
			if len(b) == 0 {
				return
			}
		}
		want, wantErr := crdt.DecodeHero(b)
		got, err := crdt.DecodeEntries(append([]byte(batch), b...))
		if wantErr == nil {
			if err != nil || len(got.Heroes) != 1 || got.Heroes[0] != want {
				t.Fatalf("%x: %+v, %v, want %+v", b, got, err, want)
			}
			return
		}
		var place, wantPlace *crdt.DecodeError
		if !errors.As(err, &place) || !errors.As(wantErr, &wantPlace) {
			t.Fatalf("%x: %v, want %v", b, err, wantErr)
		}
		claimed := len(b) < 27 // too few bytes for any hero: told before it is read
		if !claimed && (place.Offset != wantPlace.Offset+len(batch) || place.Err.Error() != wantPlace.Err.Error()) {
			t.Fatalf("%x: %v, want %v", b, err, wantErr)
		}
	})
}
