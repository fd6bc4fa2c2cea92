package bootstrap

import (
	"container/list"
	"context"
	"sync"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

const (
	// providerRecordsMax bounds the records that other peers leave here. There are
	// ten copies of each record, so a node keeps about ten records, whatever the
	// size of the network. The rest is for names whose keys lie close together. All
	// take about 5 MiB.
	providerRecordsMax = 16 << 10
	// providerNamesMax bounds the names that one peer provides here. A city has one
	// name. The rest is for changes of name within ProvideValidity.
	providerNamesMax = 16
)

// providerStore keeps the DHT's provider records in memory within bounds, so that
// no peer can fill the memory or crowd the others out. It refuses a peer's records
// beyond providerNamesMax. When it is full it drops the oldest record. Keys have
// the form /providers/NAME/PEER. It is safe for concurrent use.
type providerStore struct {
	mu      sync.Mutex                          // guards all below
	byName  map[string]map[string]*list.Element // by the key of the name, then by the whole key
	ofPeer  map[string]int                      // the number of records, by the key's last part
	records *list.List                          // of *providerRecord, the oldest written first
}

type providerRecord struct {
	key   ds.Key
	value []byte
}

var _ ds.Batching = (*providerStore)(nil)

func newProviderStore() *providerStore {
	return &providerStore{
		byName:  make(map[string]map[string]*list.Element),
		ofPeer:  make(map[string]int),
		records: list.New(),
	}
}

// Put keeps the record. If its peer has too many, Put drops the record and returns nil:
// after an error the DHT would try again. A record that is put again counts as the
// newest, so one that is renewed is not dropped.
func (s *providerStore) Put(_ context.Context, key ds.Key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.element(key); e != nil {
		e.Value.(*providerRecord).value = value
		s.records.MoveToBack(e)
		return nil
	}
	if s.ofPeer[key.BaseNamespace()] == providerNamesMax {
		return nil
	}
	if s.records.Len() == providerRecordsMax {
		s.remove(s.records.Front())
	}
	name := key.Parent().String()
	if s.byName[name] == nil {
		s.byName[name] = make(map[string]*list.Element)
	}
	s.byName[name][key.String()] = s.records.PushBack(&providerRecord{key: key, value: value})
	s.ofPeer[key.BaseNamespace()]++
	return nil
}

// Get returns the value, or ds.ErrNotFound.
func (s *providerStore) Get(_ context.Context, key ds.Key) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.element(key)
	if e == nil {
		return nil, ds.ErrNotFound
	}
	return e.Value.(*providerRecord).value, nil
}

// Has reports whether the record is kept.
func (s *providerStore) Has(ctx context.Context, key ds.Key) (bool, error) {
	return ds.GetBackedHas(ctx, s, key)
}

// GetSize returns the length of the value, or ds.ErrNotFound.
func (s *providerStore) GetSize(ctx context.Context, key ds.Key) (int, error) {
	return ds.GetBackedSize(ctx, s, key)
}

// Delete removes the record if it is there.
func (s *providerStore) Delete(_ context.Context, key ds.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.element(key); e != nil {
		s.remove(e)
	}
	return nil
}

// Query returns the records of one name, at the cost of their number, or all
// records.
func (s *providerStore) Query(_ context.Context, q dsq.Query) (dsq.Results, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []dsq.Entry
	// The DHT asks for /providers/NAME at each lookup, and for /providers when it
	// cleans up.
	if prefix := ds.NewKey(q.Prefix); len(prefix.List()) > 1 {
		for _, e := range s.byName[prefix.String()] {
			entries = append(entries, e.Value.(*providerRecord).entry())
		}
	} else {
		for e := s.records.Front(); e != nil; e = e.Next() {
			entries = append(entries, e.Value.(*providerRecord).entry())
		}
	}
	return dsq.NaiveQueryApply(q, dsq.ResultsWithEntries(q, entries)), nil
}

// Batch returns a batch whose writes are done one by one.
func (s *providerStore) Batch(context.Context) (ds.Batch, error) { return ds.NewBasicBatch(s), nil }

// Sync does nothing: the store is in memory.
func (s *providerStore) Sync(context.Context, ds.Key) error { return nil }

// Close does nothing: the store is in memory.
func (s *providerStore) Close() error { return nil }

func (r *providerRecord) entry() dsq.Entry {
	return dsq.Entry{Key: r.key.String(), Value: r.value, Size: len(r.value)}
}

// element returns a record, or nil. The caller holds s.mu.
func (s *providerStore) element(key ds.Key) *list.Element {
	return s.byName[key.Parent().String()][key.String()]
}

// remove drops a record. The caller holds s.mu.
func (s *providerStore) remove(e *list.Element) {
	key := s.records.Remove(e).(*providerRecord).key
	name, owner := key.Parent().String(), key.BaseNamespace()
	if delete(s.byName[name], key.String()); len(s.byName[name]) == 0 {
		delete(s.byName, name)
	}
	if s.ofPeer[owner]--; s.ofPeer[owner] == 0 {
		delete(s.ofPeer, owner)
	}
}
