package membership

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Opinions returns a function that says what is known now of a city's state.
func (m *Members) Opinions() func(peer.ID) Opinion {
	now, interval := time.Now(), m.interval()
	return func(p peer.ID) Opinion { return m.cfg.Agreements.Look(p, now, interval) }
}

// Greeted takes what a city showed at the beginning of a sync. It is a word of a known
// incarnation alone: others are asked who they are first.
func (m *Members) Greeted(p peer.ID, incarnation crdt.Stamp, shown crdt.Summary) {
	if e, known := m.cfg.Directory.Get(p); known && e.Presence.Incarnation == incarnation {
		m.told(p, Word{Incarnation: incarnation, Summary: shown})
	}
}

// told has a word judged, and reports whether it is news.
func (m *Members) told(p peer.ID, w Word) bool {
	return m.cfg.Agreements.Told(p, w, time.Now(), m.interval())
}

// showed takes a presence that the directory may have taken, and shows it to whoever may
// want to sync with a city that holds something else.
func (m *Members) showed(author peer.ID, news protocol.Presence) {
	e, known := m.cfg.Directory.Get(author)
	if !known || !e.Presence.Equal(news) {
		return // it came late
	}
	if m.told(author, Word{Incarnation: news.Incarnation, Summary: news.Summary, Sent: news.Sent}) {
		m.cfg.Hooks.Shown(author, news.Summary)
	}
}

// answered takes what a city has answered to info, likewise.
func (m *Members) answered(p peer.ID, info protocol.InfoReply) {
	m.told(p, Word{Incarnation: info.Incarnation, Summary: info.Summary})
	m.cfg.Hooks.Shown(p, info.Summary)
}
