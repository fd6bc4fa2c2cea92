package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
)

// The JSON lines of run beside those about heroes; see the help of run.
type (
	readyJSON struct {
		Event   string   `json:"event"`
		City    string   `json:"city"`
		Peer    string   `json:"peer"`
		Addrs   []string `json:"addrs"`
		Network string   `json:"network"`
		Time    string   `json:"time"`
	}
	startedJSON struct {
		Event       string `json:"event"`
		Time        string `json:"time"`
		Incarnation string `json:"incarnation"`
	}
	openedJSON struct {
		Event string `json:"event"`
		Time  string `json:"time"`
		Alone bool   `json:"alone"`
	}
	crashedJSON struct {
		Event string `json:"event"`
		Time  string `json:"time"`
		Part  string `json:"part"`
		Error string `json:"error"`
	}
	cityEventJSON struct {
		Event     string `json:"event"`
		Time      string `json:"time"`
		City      string `json:"city"`
		Peer      string `json:"peer"`
		Status    string `json:"status"`
		Before    string `json:"before,omitempty"` // absent for a city just found
		Restarted bool   `json:"restarted"`
	}
	syncedJSON struct {
		Event    string  `json:"event"`
		Time     string  `json:"time"`
		City     string  `json:"city"`
		Peer     string  `json:"peer"`
		Differed uint64  `json:"differed"`
		Skipped  uint64  `json:"skipped"`
		Seconds  float64 `json:"seconds"`
		Error    string  `json:"error,omitempty"`
	}
	joiningJSON struct {
		Event   string `json:"event"`
		Time    string `json:"time"`
		City    string `json:"city"`
		Peer    string `json:"peer"`
		Entries uint64 `json:"entries"`
		Of      uint64 `json:"of"`
	}
	readingJSON struct {
		Event   string `json:"event"`
		Time    string `json:"time"`
		Records int    `json:"records"`
		Done    bool   `json:"done"`
	}
	peerEventJSON struct { // "unreachable"
		Event string `json:"event"`
		Time  string `json:"time"`
		Peer  string `json:"peer"`
		Error string `json:"error,omitempty"`
	}
	countEventJSON struct { // "dropped"
		Event string `json:"event"`
		Time  string `json:"time"`
		Count uint64 `json:"count"`
	}
	plainEventJSON struct { // "stopped"
		Event string `json:"event"`
		Time  string `json:"time"`
	}
)

// events returns callbacks that tell what happens in the node of that city.
func (p *eventPrinter) events(name string) node.Events {
	now := time.Now
	return node.Events{
		Changed:     func(c city.SourcedChange) { p.tellChange(now(), c) },
		Started:     func(i crdt.Stamp) { p.tell(startedMessage(now(), name, i)) },
		Opened:      func(alone bool) { p.tell(openedMessage(now(), name, alone)) },
		Crashed:     func(part string, err error) { p.tell(crashedMessage(now(), part, err)) },
		City:        func(e node.CityEvent) { p.tell(cityMessage(now(), e)) },
		Synced:      func(e node.SyncEvent) { p.tell(syncMessage(now(), e)) },
		Joining:     func(j node.JoinProgress) { p.tell(joiningMessage(now(), j)) },
		Filled:      func(f node.FillProgress) { p.tell(readingMessage(now(), f)) },
		Problem:     func(e node.ProblemEvent) { p.tell(problemMessage(now(), name, e)) },
		Unreachable: func(id peer.ID, err error) { p.tell(unreachableMessage(now(), id, err)) },
	}
}

// tellChange tells a change that happens now. What a sync brings has happened
// before, and may be a million changes; the sync tells of them in one.
func (p *eventPrinter) tellChange(at time.Time, c city.SourcedChange) {
	if c.Source != city.SourceSync {
		p.tell(changeMessage(at, c))
	}
}

func changeMessage(at time.Time, c city.SourcedChange) message {
	events := c.Events()
	if len(events) == 0 {
		return message{}
	}
	m := message{at: at, texts: told(events), color: eventColor(events[0].Kind)}
	for _, e := range events {
		object := toHeroEventJSON(e, at)
		object.Source = c.Source.String()
		m.objects = append(m.objects, object)
	}
	return m
}

func startedMessage(at time.Time, name string, incarnation crdt.Stamp) message {
	return message{
		at:      at,
		objects: []any{startedJSON{"started", clockText(at), timeText(incarnation)}},
		texts:   []string{name + " starts"},
		color:   colorDim,
	}
}

func openedMessage(at time.Time, name string, alone bool) message {
	text := name + " knows what its neighbours know"
	if alone {
		text = fmt.Sprintf("no other city is connected: %s runs alone, and others may join it", name)
	}
	return message{at: at, objects: []any{openedJSON{"opened", clockText(at), alone}}, texts: []string{text}, color: colorGreen}
}

func crashedMessage(at time.Time, part string, err error) message {
	return message{
		at:      at,
		objects: []any{crashedJSON{"crashed", clockText(at), part, err.Error()}},
		texts:   []string{fmt.Sprintf("%s crashed and is restarted: %v", part, err)},
		color:   colorRed,
	}
}

func cityMessage(at time.Time, e node.CityEvent) message {
	return message{
		at: at,
		objects: []any{cityEventJSON{
			"city", clockText(at), e.Name, e.Peer.String(), string(e.Status), string(e.Before), e.Restarted,
		}},
		texts: []string{cityNews(e)},
		color: colorGreen,
	}
}

// cityNews says what became of another city.
func cityNews(e node.CityEvent) string {
	switch {
	case e.Status == node.Left:
		return e.Name + " has left"
	case e.Status == node.Suspect:
		return e.Name + " does not answer"
	case e.Status == node.Failed:
		return e.Name + " has failed: it gives no sign of life"
	case e.Before == "":
		return fmt.Sprintf("%s is found, peer %s", e.Name, e.Peer)
	case e.Restarted:
		return e.Name + " was restarted"
	}
	if e.Before == node.Suspect {
		return e.Name + " answers again"
	}
	return e.Name + " is back"
}

// syncMessage tells of a sync that brought something or failed; the usual one is
// no news. That one failed is for programs: people see when the city is gone.
func syncMessage(at time.Time, e node.SyncEvent) message {
	if e.Err == nil && e.Differed == 0 && e.Skipped == 0 {
		return message{}
	}
	object := syncedJSON{
		Event: "synced", Time: clockText(at), City: e.City, Peer: e.Peer.String(),
		Differed: e.Differed, Skipped: e.Skipped, Seconds: e.Took.Seconds(),
	}
	m := message{at: at, color: colorDim}
	if e.Err != nil {
		object.Error = e.Err.Error()
	} else {
		m.texts = []string{fmt.Sprintf("synced with %s, %d entries differed", cmp.Or(e.City, e.Peer.String()), e.Differed)}
	}
	m.objects = []any{object}
	return m
}

func joiningMessage(at time.Time, p node.JoinProgress) message {
	return message{
		at:      at,
		objects: []any{joiningJSON{"joining", clockText(at), p.City, p.Peer.String(), p.Entries, p.Of}},
		texts:   []string{fmt.Sprintf("%d of about %d entries have come from %s", p.Entries, p.Of, cmp.Or(p.City, p.Peer.String()))},
		color:   colorDim,
	}
}

func readingMessage(at time.Time, p node.FillProgress) message {
	text := fmt.Sprintf("%d records of the store have been read", p.Records)
	if p.Done {
		text += ", that is all"
	}
	return message{at: at, objects: []any{readingJSON{"reading", clockText(at), p.Records, p.Done}}, texts: []string{text}, color: colorDim}
}

func unreachableMessage(at time.Time, p peer.ID, err error) message {
	text := fmt.Sprintf("peer %s cannot be reached, and is tried again: %v", p, err)
	if foreign, ok := errors.AsType[*node.ForeignError](err); ok {
		text = fmt.Sprintf("peer %s cannot be joined: %v; run the city with --network %s, or name another peer", p, err, foreign.Networks[0])
	}
	return message{
		at: at,
		objects: []any{peerEventJSON{
			Event: "unreachable", Time: clockText(at), Peer: p.String(), Error: err.Error(),
		}},
		texts: []string{text},
		warn:  true,
	}
}

// droppedMessage tells how many events were lost; of none it tells nothing.
func droppedMessage(at time.Time, n uint64) message {
	if n == 0 {
		return message{}
	}
	return message{
		at:      at,
		objects: []any{countEventJSON{"dropped", clockText(at), n}},
		texts:   []string{fmt.Sprintf("%d events were not read in time, or could not be written, and are lost", n)},
		warn:    true,
	}
}

func stoppedMessage(at time.Time, name string) message {
	return message{
		at:      at,
		objects: []any{plainEventJSON{"stopped", clockText(at)}},
		texts:   []string{name + " has left"},
		color:   colorDim,
		always:  true,
	}
}
