package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/durable"
)

// ErrInUse is matched by New's error when another node uses its DataDir.
var ErrInUse = errors.New("the folder is in use")

// openFolder opens the city's folder, if it has one. It comes before all else that New
// makes: the lock keeps a second node from the key and the ports as well as the store.
func openFolder(cfg Config) (*datadir.Folder, error) {
	if cfg.DataDir == "" {
		return nil, nil
	}
	key := cfg.Identity
	if cfg.Host != nil {
		key = cfg.Host.Peerstore().PrivKey(cfg.Host.ID())
	}
	folder, err := datadir.Open(datadir.Config{
		Path:      cfg.DataDir,
		Network:   cfg.Network,
		City:      cfg.City.Name,
		Identity:  key,
		Ephemeral: cfg.Ephemeral || cfg.store != nil,
	})
	if _, locked := errors.AsType[*datadir.LockedError](err); locked {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err != nil || folder.Store == nil {
		return folder, err
	}
	// A crash leaves a log that ends within a write, and so does a disk that loses what it
	// has acknowledged: a person may want to know.
	if torn := folder.Store.Recovered(); torn.File != "" {
		cfg.logger(logStore).Warn("the store's log was cut off in a write that nobody was told of; it is repaired",
			"file", torn.File, "offset", torn.Offset, "bytes_dropped", torn.DroppedBytes, "batches_kept", torn.Records)
	}
	return folder, nil
}

// openStore makes what depends on whether there is a store. It refuses facts of another
// city or network, also where those in the store are going to count.
func (n *Node) openStore() (err error) {
	n.store = n.cfg.store
	if n.folder != nil && n.folder.Store != nil {
		n.store = n.folder.Store
	}
	// A folder may have been that of an ephemeral city, of which it has the facts alone.
	n.facts, err = durable.OpenFacts(n.cfg.DataDir, n.cfg.Network, n.cfg.City.Name)
	if err != nil {
		return err
	}
	if n.store == nil {
		n.log.Info("city is ephemeral: what only it holds is lost with this process", "city", n.cfg.City.Name)
		return nil
	}
	n.facts = durable.StoredFacts(n.store, n.cfg.City.Name, n.facts)
	n.journal = durable.New(durable.Config{
		Store:  n.store,
		Facts:  n.facts,
		InLoop: n.inLoop,
		Fault:  n.storeFault,
		Filled: n.cfg.Events.filled,
		Logger: n.cfg.logger(logStore),
	})
	return nil
}

// inLoop runs f in the loop of the present incarnation. The journal asks the city for
// pages by it: the city is made with the journal, so the journal cannot have it.
func (n *Node) inLoop(ctx context.Context, f func(*city.Core)) error {
	inc, err := n.city.Current()
	if err != nil {
		return err
	}
	return inc.Read(ctx, f)
}
