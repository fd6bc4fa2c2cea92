//go:build !race

package protocol

import "testing"

// The race detector has pools drop what is put into them, now and then.
func TestHotMessagesCostFewAllocations(t *testing.T) {
	b := encode(t, HeroReply{Hero: hero, Summary: summary})
	var reply HeroReply
	decoding := testing.AllocsPerRun(100, func() { _ = UnmarshalLenient(b, &reply) })
	var message any = HeroReply{Hero: hero, Summary: summary}
	encoding := testing.AllocsPerRun(100, func() { _, _ = Marshal(message) })
	if decoding > 1 || encoding > 1 { // the texts; the result
		t.Errorf("%v allocations to decode, %v to encode", decoding, encoding)
	}
}
