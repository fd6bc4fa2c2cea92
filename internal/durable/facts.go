package durable

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/atomicfile"
	"github.com/citynode/citynode/internal/store"
)

// FactsFile is the name, in the state folder, of the file with a city's facts.
const FactsFile = "city.json"

// Facts are what a city knows of itself over restarts of its process: since when
// it has its name, and its last incarnation. They are kept in a store, in a file,
// or nowhere. Facts are safe for concurrent use: changes are kept in the order in
// which they are made, and reading never waits for the disk.
type Facts struct {
	keep func(cityFacts) error
	// turn holds a token while current changes and is kept. It is no mutex, for its
	// holder waits for the disk.
	turn    chan struct{}
	current atomic.Pointer[cityFacts]
}

// cityFacts is also the form of the file.
type cityFacts struct {
	Network     string     `json:"network,omitempty"` // none in files of earlier programs
	City        string     `json:"city"`
	Since       crdt.Stamp `json:"since"`
	Incarnation crdt.Stamp `json:"incarnation"`
}

func newFacts(first cityFacts, keep func(cityFacts) error) *Facts {
	f := &Facts{keep: keep, turn: make(chan struct{}, 1)}
	f.current.Store(&first)
	return f
}

// OpenFacts reads the facts of a city from a folder, to keep them there. It fails if
// those in the folder are of another city or network. With no folder they last as long
// as the process.
func OpenFacts(dir, network, city string) (*Facts, error) {
	first := cityFacts{Network: network, City: city}
	if dir == "" {
		return newFacts(first, func(cityFacts) error { return nil }), nil
	}
	file := filepath.Join(dir, FactsFile)
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the city's facts: %w", err)
	}
	if err == nil {
		first = cityFacts{}
		// To go on without them would give up the city's claim to its name unasked.
		if err := json.Unmarshal(text, &first); err != nil {
			return nil, fmt.Errorf("%s is damaged (%w); remove it to start as a new city", file, err)
		}
	}
	if first.City != city {
		return nil, fmt.Errorf("%s belongs to city %q, not %q", file, first.City, city)
	}
	if first.Network != "" && first.Network != network {
		return nil, fmt.Errorf("%s belongs to network %q, not %q", file, first.Network, network)
	}
	first.Network = network
	return newFacts(first, func(f cityFacts) error { return writeFacts(file, f) }), nil
}

// StoredFacts returns the facts of a city that a store has, to keep them there. Earlier
// are those of the city while it was ephemeral, or nil: a store that is new has none yet.
func StoredFacts(s *store.Store, city string, earlier *Facts) *Facts {
	stored := s.Facts()
	first := cityFacts{City: city, Since: stored.Since, Incarnation: stored.Incarnation}
	if earlier != nil {
		first.Since = cmp.Or(first.Since, earlier.Since())
		first.Incarnation = max(first.Incarnation, earlier.Incarnation())
	}
	return newFacts(first, func(f cityFacts) error {
		return s.SetFacts(store.Facts{Since: f.Since, Incarnation: f.Incarnation})
	})
}

// Since returns when the city took its name; 0 if it never did. A time before all clocks
// that were ever set is that of a machine which had none: the older claim to a name counts
// (internal/names), and such a one would win over all others.
func (f *Facts) Since() crdt.Stamp {
	if since := f.current.Load().Since; since >= crdt.EarliestSet {
		return since
	}
	return 0
}

// Incarnation returns the last one that was numbered, or 0.
func (f *Facts) Incarnation() crdt.Stamp { return f.current.Load().Incarnation }

// Claim makes now the time since when the city has its name, unless the city has
// had it before.
func (f *Facts) Claim(now crdt.Stamp) error {
	if f.Since() != 0 {
		return nil
	}
	return f.change(func(next *cityFacts) { next.Since = now })
}

// NextIncarnation returns the stamp of a start: the clock's, but greater than
// every one before, also where the clock was set back. A store that does not work keeps
// the stamp later, with Save: a city must be able to start in order to wait for its
// store. Other errors keep it from starting.
func (f *Facts) NextIncarnation(now crdt.Stamp) (crdt.Stamp, error) {
	var number crdt.Stamp
	err := f.change(func(next *cityFacts) {
		number = max(now, next.Incarnation.Next())
		next.Incarnation = number
	})
	if _, down := errors.AsType[*store.DownError](err); down {
		err = nil
	}
	return number, err
}

// Save keeps the facts as they are now.
func (f *Facts) Save() error { return f.change(func(*cityFacts) {}) }

// change applies edit and keeps the outcome, one change after another. What could not be
// kept counts all the same for this process: two starts of it must not have one number.
func (f *Facts) change(edit func(*cityFacts)) error {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	next := *f.current.Load()
	edit(&next)
	f.current.Store(&next)
	return f.keep(next)
}

func writeFacts(file string, f cityFacts) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, text, 0o600)
}
