//go:build linux

package hostile

import (
	"slices"
	"sync"

	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// statuses are what a city has been told of others, by its own events.
type statuses struct {
	mu     sync.Mutex // guards byName
	byName map[string]protocol.CityStatus
}

// note takes an event.
func (s *statuses) note(e node.CityEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName == nil {
		s.byName = map[string]protocol.CityStatus{}
	}
	s.byName[e.Name] = e.Status
}

// names returns who is alive and who is not, in order.
func (s *statuses) names() (alive, gone []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, status := range s.byName {
		if status == protocol.StatusAlive {
			alive = append(alive, name)
		} else {
			gone = append(gone, name)
		}
	}
	slices.Sort(alive)
	slices.Sort(gone)
	return alive, gone
}
