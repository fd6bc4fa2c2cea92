package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// keptFile is the name, in the state folder, of what a city keeps of itself.
const keptFile = "city.json"

// sinceMin is the earliest since that is believed; an earlier one is a clock
// that was never set.
var sinceMin = crdt.StampAt(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))

// kept is what a city remembers of itself over restarts of its process: since
// when it has its name, and its last incarnation. Only the start of the city,
// so one goroutine at a time, changes it.
type kept struct {
	path  string       // empty: there is no file
	store *store.Store // nil: there is none

	mu    sync.Mutex // guards facts
	facts keptFacts
}

type keptFacts struct {
	City        string     `json:"city"`
	Since       crdt.Stamp `json:"since"`
	Incarnation crdt.Stamp `json:"incarnation"`
}

// openKept reads what the folder keeps of the city.
func openKept(dir, city string) (*kept, error) {
	k := &kept{facts: keptFacts{City: city}}
	if dir == "" {
		return k, nil
	}
	k.path = filepath.Join(dir, keptFile)
	text, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the city's state: %w", err)
	}
	var facts keptFacts
	if err := json.Unmarshal(text, &facts); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); remove it to start as a new city", k.path, err)
	}
	if facts.City != city {
		return nil, fmt.Errorf("%s belongs to city %q, not %q", k.path, facts.City, city)
	}
	k.facts = facts
	return k, nil
}

// keptInStore is what the store keeps of the city.
func keptInStore(s *store.Store, city string) *kept {
	facts := s.Facts()
	return &kept{store: s, facts: keptFacts{City: city, Since: facts.Since, Incarnation: facts.Incarnation}}
}

// Since is when the city took its name; 0 if it never did.
func (k *kept) Since() crdt.Stamp {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.facts.Since < sinceMin {
		return 0
	}
	return k.facts.Since
}

// Incarnation is the last one that was numbered, or 0.
func (k *kept) Incarnation() crdt.Stamp {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.facts.Incarnation
}

// Claim makes now the time since when the city has its name, unless it has it
// already.
func (k *kept) Claim(now crdt.Stamp) error {
	if k.Since() != 0 {
		return nil
	}
	return k.change(func(f *keptFacts) { f.Since = now })
}

// NextIncarnation is the stamp of a start: the clock's, but greater than every
// one before. A store that does not work keeps it once it does; see save.
func (k *kept) NextIncarnation(now crdt.Stamp) (crdt.Stamp, error) {
	var next crdt.Stamp
	err := k.change(func(f *keptFacts) {
		next = max(now, f.Incarnation.Next())
		f.Incarnation = next
	})
	if down := (*store.DownError)(nil); errors.As(err, &down) {
		err = nil
	}
	return next, err
}

// save keeps what is known now.
func (k *kept) save() error { return k.change(func(*keptFacts) {}) }

// change applies f and keeps the outcome, in one step.
func (k *kept) change(f func(*keptFacts)) error {
	k.mu.Lock()
	f(&k.facts)
	facts := k.facts
	k.mu.Unlock()
	switch {
	case k.store != nil:
		return k.store.SetFacts(store.Facts{Since: facts.Since, Incarnation: facts.Incarnation})
	case k.path == "":
		return nil
	}
	text, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	return writeFileAtomic(k.path, text)
}

// writeFileAtomic replaces a file so that after a crash it is the old or the
// new one.
func writeFileAtomic(path string, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) //nolint:errcheck // gone already once renamed
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(temp.Name(), path)
}
