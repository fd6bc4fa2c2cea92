package node

import (
	"context"
	"log/slog"

	"github.com/citynode/citynode/city"
)

// The components of a node's log: the attribute "component" of its records.
const (
	logNode      = "node"      // its start and its end, crashes, ports
	logCity      = "city"      // the city's start; what happens to heroes, at debug
	logStore     = "store"     // what is written and read
	logCalls     = "calls"     // calls of others
	logGossip    = "gossip"    // deltas
	logPresence  = "presence"  // other cities
	logSync      = "sync"      // anti-entropy
	logNames     = "names"     // the city's name, here and in the DHT
	logBootstrap = "bootstrap" // dials, mDNS, saved peers
)

// LogLibp2p is the component of what libp2p logs itself: GossipSub to Config.Logger, its
// hosts where the program sends the log of all of them (gologshim). There is no need of it:
// what goes wrong there comes back as errors.
const LogLibp2p = "libp2p"

// LogComponents returns the names of the components of a node's log. Each record that
// Config.Logger is given has one as its attribute "component".
func LogComponents() []string {
	return []string{logNode, logCity, logStore, logCalls, logGossip, logPresence, logSync, logNames, logBootstrap, LogLibp2p}
}

// LogLevels are what the method log reads and changes, in the text form of the program
// that owns the log, such as "info,gossip=debug". Its methods may be called at any time
// from any goroutine.
type LogLevels interface {
	// Apply changes the levels, or says what is wrong and changes none.
	Apply(spec string) error
	// String returns the present levels, as Apply takes them.
	String() string
	// Components returns the names that Apply knows.
	Components() []string
}

// logChanges logs what happens to heroes, in the city's loop, and what a tick found.
func logChanges(log *slog.Logger, fx *city.Effects) {
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for change := range fx.All() {
		for _, e := range change.Events() {
			log.Debug("hero "+string(e.Kind), "id", e.ID.String(), "name", e.Name, "city", e.City,
				"health", e.Health, "source", change.Source.String())
		}
	}
	if fx.Note != "" {
		log.Debug("tick without effect", "note", fx.Note)
	}
}

// logger returns the log of a component.
func (c Config) logger(component string) *slog.Logger { return c.Logger.With("component", component) }
