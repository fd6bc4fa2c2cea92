package bootstrap

import (
	"fmt"
	"testing"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
	"pgregory.net/rapid"
)

func recordKey(name, provider any) ds.Key {
	return ds.NewKey(fmt.Sprintf("/providers/N%v/P%v", name, provider))
}

func TestAPeerCannotFillTheProviderStore(t *testing.T) {
	s := newProviderStore()
	for i := range 1000 {
		if err := s.Put(t.Context(), recordKey(i, "liar"), []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.records.Len(); n != providerNamesMax {
		t.Errorf("%d records of one peer, want %d", n, providerNamesMax)
	}
}

func TestARecordThatIsGoneMakesRoomForAnotherOfItsPeer(t *testing.T) {
	s := newProviderStore()
	for i := range 3 * providerNamesMax {
		key := recordKey(i, "mover")
		if err := s.Put(t.Context(), key, []byte{1}); err != nil {
			t.Fatal(err)
		}
		if has, err := s.Has(t.Context(), key); err != nil || !has {
			t.Fatalf("name %d was refused: %v", i, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.ofPeer) != 0 {
		t.Errorf("of peers without records %v are counted", s.ofPeer)
	}
}

func TestTheOldestRecordGivesWay(t *testing.T) {
	s := newProviderStore()
	for i := range providerRecordsMax {
		s.Put(t.Context(), recordKey("a", i), []byte{1})
	}
	s.Put(t.Context(), recordKey("a", 0), []byte{2}) // renewed
	s.Put(t.Context(), recordKey("b", "new"), []byte{1})
	for key, want := range map[ds.Key]bool{recordKey("a", 0): true, recordKey("a", 1): false, recordKey("b", "new"): true} {
		if has, err := s.Has(t.Context(), key); err != nil || has != want {
			t.Errorf("%s: %v, %v", key, has, err)
		}
	}
}

// TestTheProviderStoreIsADatastore compares it with the library's own.
func TestTheProviderStoreIsADatastore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ours, model := newProviderStore(), ds.NewMapDatastore()
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			key := recordKey(rapid.IntRange(0, 5).Draw(t, "name"), rapid.IntRange(0, 5).Draw(t, "peer"))
			remove := rapid.Bool().Draw(t, "remove")
			for _, store := range []ds.Batching{ours, model} {
				batch, _ := store.Batch(t.Context())
				if remove {
					batch.Delete(t.Context(), key)
				} else {
					batch.Put(t.Context(), key, []byte(key.String()))
				}
				if err := batch.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		compareStores(t, ours, model)
	})
}

func compareStores(t *rapid.T, ours, model ds.Batching) {
	for _, prefix := range []string{"/providers/", "/providers/N0", "/providers/N5", ""} {
		q := dsq.Query{Prefix: prefix, Orders: []dsq.Order{dsq.OrderByKey{}}}
		got, want := entries(t, ours, q), entries(t, model, q)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q: got %v\nwant %v", prefix, got, want)
		}
		for _, e := range want {
			key := ds.RawKey(e.Key)
			value, err := ours.Get(t.Context(), key)
			size, _ := ours.GetSize(t.Context(), key)
			if err != nil || string(value) != e.Key || size != len(value) {
				t.Fatalf("%s: %q, %d, %v", key, value, size, err)
			}
		}
	}
	if _, err := ours.Get(t.Context(), recordKey("no", "no")); err != ds.ErrNotFound {
		t.Fatalf("got %v", err)
	}
}

func entries(t *rapid.T, store ds.Datastore, q dsq.Query) []dsq.Entry {
	results, err := store.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	all, err := results.Rest()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
