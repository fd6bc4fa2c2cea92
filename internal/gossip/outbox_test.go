package gossip

import (
	"encoding/binary"
	"strings"
	"testing"
	"unsafe"

	"github.com/citynode/citynode/crdt"
)

func numberedID(n int) (id crdt.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n)+1)
	return id
}

// aHero is a valid hero with that id, stamped with its health.
func aHero(id crdt.ID, health uint8) crdt.Record {
	return crdt.Record{Kind: crdt.KindHero, Hero: crdt.Hero{
		ID: id, Name: strings.Repeat("b", crdt.NameBytesMax), Location: "gotham", Health: health,
		Version: crdt.Version{HLC: crdt.Stamp(health)},
	}}
}

// add queues one record.
func add(o *outbox, r crdt.Record) bool {
	id := r.Hero.ID
	if r.Kind == crdt.KindTombstone {
		id = r.Tombstone.ID
	}
	return o.add([]crdt.Change{{ID: id, New: r}})
}

func aDeath(id crdt.ID) crdt.Record {
	return crdt.Record{Kind: crdt.KindTombstone, Tombstone: crdt.Tombstone{ID: id, Version: crdt.Version{HLC: 200}}}
}

func TestOnlyTheLastVersionOfAHeroIsGossiped(t *testing.T) {
	o := newOutbox()
	add(o, aHero(numberedID(1), 50))
	add(o, aHero(numberedID(2), 60))
	add(o, aHero(numberedID(1), 40))
	add(o, aHero(numberedID(2), 30))
	add(o, aDeath(numberedID(2)))
	got := o.take(DeltaBytesMax)
	if len(got.Heroes) != 1 || got.Heroes[0].Health != 40 || len(got.Tombstones) != 1 {
		t.Errorf("got %+v", got)
	}
	if again := o.take(DeltaBytesMax); again.Len() != 0 {
		t.Errorf("sent twice: %+v", again)
	}
}

func TestDeltasKeepTheirBoundAndTheOrderOfTheChanges(t *testing.T) {
	o := newOutbox()
	const all = 3000
	for n := range all {
		if n%3 == 0 {
			add(o, aDeath(numberedID(n)))
		} else {
			add(o, aHero(numberedID(n), 50))
		}
	}
	deltas, next := 0, 0
	for got := o.take(DeltaBytesMax); got.Len() > 0; got = o.take(DeltaBytesMax) {
		deltas++
		encoded := crdt.AppendEntries(nil, got)
		if len(encoded) > DeltaBytesMax {
			t.Errorf("a delta of %d bytes", len(encoded))
		}
		if _, err := crdt.DecodeEntries(encoded); err != nil {
			t.Error(err)
		}
		next += got.Len()
		for _, hero := range got.Heroes {
			if n := int(binary.BigEndian.Uint64(hero.ID[8:])) - 1; n >= next {
				t.Fatalf("change %d was sent among the first %d", n, next)
			}
		}
	}
	if next != all || deltas < 2 || deltas > 6 {
		t.Errorf("%d of %d changes in %d deltas", next, all, deltas)
	}
}

func TestAFullOutboxDropsAndCountsNewIDsButTakesNewVersions(t *testing.T) {
	o := newOutbox()
	const most = outboxBytesMax / crdt.TombstoneBytesMax
	n := 0
	for n <= most && add(o, aHero(numberedID(n), 50)) {
		n++
	}
	if n > most || o.bytes > outboxBytesMax {
		t.Errorf("%d changes of %d bytes fit", n, o.bytes)
	}
	if !add(o, aDeath(numberedID(0))) || o.drops() != 1 {
		t.Errorf("%d dropped, want 1", o.drops())
	}
	first := o.take(crdt.EntriesOverheadMax + crdt.TombstoneBytesMax)
	if len(first.Tombstones) != 1 {
		t.Errorf("first of all %+v, want the death", first)
	}
	if !add(o, aHero(numberedID(n), 50)) || o.drops() != 1 { // there is room again
		t.Errorf("%d dropped, want 1", o.drops())
	}
	for o.take(DeltaBytesMax).Len() > 0 {
	}
	if o.bytes != 0 {
		t.Errorf("%d bytes wait in an empty outbox", o.bytes)
	}
}

func TestWhatWaitsInTheOutboxWakesItsReaderOnce(t *testing.T) {
	o := newOutbox()
	for n := range 3 {
		add(o, aHero(numberedID(n), 50))
	}
	<-o.wake
	select {
	case <-o.wake:
		t.Error("a second token")
	default:
	}
}

// A hero that waits must not keep the text of its whole batch in memory.
func TestAWaitingHeroSharesNoMemoryWithItsBatch(t *testing.T) {
	o, r := newOutbox(), aHero(numberedID(1), 50)
	add(o, r)
	waits := o.take(DeltaBytesMax).Heroes[0]
	if waits != r.Hero {
		t.Errorf("%+v waits, want %+v", waits, r.Hero)
	}
	if unsafe.StringData(waits.Name) == unsafe.StringData(r.Hero.Name) {
		t.Error("its name is still a part of the batch")
	}
}
