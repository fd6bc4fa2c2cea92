package protocol

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// The CDDL must not be stricter than the decoders, for others are built from it. So
// whatever the decoders take of vectors with a few bytes changed is in its form. Left
// out is what is judged after decoding (names in requests), and what this client takes
// though nobody sends it (a line of settle without counts).
func TestWhatTheDecodersTakeIsInTheFormOfTheCDDL(t *testing.T) {
	const mutations = 100_000
	schema := readSchema(t)
	vectors := slices.DeleteFunc(readVectors(t), func(v vector) bool {
		return decoderOf(v) == nil || v.Method == MethodSettle || v.Hex == ""
	})
	rng := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range mutations {
		v := vectors[rng.IntN(len(vectors))]
		b := unhex(t, v.Hex)
		for range 1 + rng.IntN(2) {
			mutate(rng, b)
		}
		if decoderOf(v)(b) != nil {
			continue
		}
		taken++
		if err := schema.Check(v.rule(), b); err != nil {
			t.Errorf("%s/%s as %x is taken, and the CDDL says: %v", v.Kind, v.Name, b, err)
		}
	}
	if taken < mutations/20 {
		t.Errorf("only %d of %d were taken", taken, mutations)
	}
}

// mutate changes one byte.
func mutate(rng *rand.Rand, b []byte) {
	at := rng.IntN(len(b))
	switch rng.IntN(3) {
	case 0:
		b[at] = byte(rng.Uint32())
	case 1:
		b[at] ^= 1 << rng.IntN(8)
	default:
		b[at] += byte(rng.IntN(3)) - 1
	}
}

// decoderOf returns what decodes the vectors of a kind, nil for kinds that are left out.
func decoderOf(v vector) func([]byte) error {
	switch v.Kind {
	case "response":
		return func(b []byte) error { return UnmarshalLenient(b, new(Response)) }
	case "presence":
		return func(b []byte) error { return UnmarshalLenient(b, new(Presence)) }
	case "question":
		return func(b []byte) error { return UnmarshalLenient(b, new(Question)) }
	case "sign":
		return func(b []byte) error { return UnmarshalLenient(b, new(Sign)) }
	case "reply":
		return func(b []byte) error { return UnmarshalLenient(b, newOf(methods[v.Method].reply)) }
	case "delta", "entries":
		return func(b []byte) error { _, err := crdt.DecodeEntries(b); return err }
	case "hero":
		return func(b []byte) error { _, err := crdt.DecodeHero(b); return err }
	case "tombstone":
		return func(b []byte) error { _, err := crdt.DecodeTombstone(b); return err }
	default:
		return nil
	}
}
