package table

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A table against a map from records to hashes. Hashes are drawn from few
// shards, and from both ends of each, so that probes collide and wrap round.
func TestATableFindsWhatIsInIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.Custom(func(t *rapid.T) uint64 {
			shard := rapid.Uint64Range(0, 1).Draw(t, "shard")
			tag := rapid.SampledFrom([]uint32{0, 1, 1 << 31, ^uint32(0) - 1, ^uint32(0)}).Draw(t, "tag")
			return shard<<(64-tableShardBits) | uint64(tag)
		})
		table, model := new(Table), map[uint32]uint64{}
		fresh := None
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				fresh++
				model[fresh] = hash.Draw(t, "hash")
				table.Insert(model[fresh], fresh)
			},
			"remove": func(t *rapid.T) {
				r := anyRef(t, model)
				table.Remove(model[r], r)
				delete(model, r)
			},
			"move": func(t *rapid.T) {
				r := anyRef(t, model)
				fresh++
				table.Move(model[r], r, fresh)
				model[fresh] = model[r]
				delete(model, r)
			},
			"": func(t *rapid.T) { wantTable(t, table, model) },
		})
	})
}

func anyRef(t *rapid.T, model map[uint32]uint64) uint32 {
	if len(model) == 0 {
		t.Skip("empty")
	}
	least := ^None // the map's order must not matter
	from := rapid.Uint32Range(1, 100).Draw(t, "from")
	for _, floor := range []uint32{from, 0} {
		for r := range model {
			if r >= floor {
				least = min(least, r)
			}
		}
		if least != ^None {
			break
		}
	}
	return least
}

func wantTable(t *rapid.T, table *Table, model map[uint32]uint64) {
	if err := table.Check(len(model)); err != nil {
		t.Fatal(err)
	}
	for want, hash := range model {
		p := table.Probe(hash)
		for r := p.Next(); r != want; r = p.Next() {
			if r == None {
				t.Fatalf("%d with hash %x is not found", want, hash)
			}
		}
	}
}

func TestATableIsDense(t *testing.T) {
	const records = 100_000
	chance, table := rand.New(rand.NewPCG(1, 2)), new(Table)
	for i := range records {
		table.Insert(chance.Uint64(), uint32(i+1))
	}
	slots := 0
	for i := range table.shards {
		slots += len(table.shards[i].slots)
	}
	if slots > records*3/2 {
		t.Fatalf("%d slots for %d records", slots, records)
	}
}
