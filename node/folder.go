package node

import (
	"errors"
	"fmt"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/datadir"
)

// ErrInUse is matched by New's error when another node uses its DataDir.
var ErrInUse = errors.New("the folder is in use")

// openFolder opens the city's folder, if it has one.
func openFolder(cfg Config) (*datadir.Folder, error) {
	if cfg.DataDir == "" {
		return nil, nil
	}
	key := cfg.Identity
	if cfg.Host != nil {
		key = cfg.Host.Peerstore().PrivKey(cfg.Host.ID())
	}
	folder, err := datadir.Open(datadir.Config{
		Path:       cfg.DataDir,
		Network:    cfg.Network,
		City:       cfg.City.Name,
		Identity:   key,
		Ephemeral:  cfg.Ephemeral || cfg.store != nil,
		AnswersFor: city.AnswersFor,
		Now:        cfg.Now,
	})
	if _, locked := errors.AsType[*datadir.LockedError](err); locked {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err != nil || folder.Store == nil {
		return folder, err
	}
	if torn := folder.Store.Recovered(); torn.File != "" {
		cfg.Logger.Warn("the store's log was cut off in a write that nobody was told of; it is repaired",
			"file", torn.File, "offset", torn.Offset, "bytes_dropped", torn.DroppedBytes, "batches_kept", torn.Records)
	}
	return folder, nil
}
