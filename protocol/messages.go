package protocol

import "github.com/citynode/citynode/crdt"

// CityStatus is what the city that answers thinks of another, in a [CityLine].
type CityStatus string

// The statuses of cities.
const (
	StatusAlive   CityStatus = "alive"   // it answers
	StatusSuspect CityStatus = "suspect" // it left a question unanswered just now
	StatusFailed  CityStatus = "failed"  // it gave no sign of life for seconds, or its address refuses connections
	StatusLeft    CityStatus = "left"    // it said that it leaves
	// StatusRelayed is that of a city whose presences others pass on, and which cannot be
	// asked from here.
	StatusRelayed CityStatus = "relayed"
)

// RawItem is one item of CBOR that is passed on as it is.
type RawItem []byte

// Request is one call.
type Request struct {
	Method string  `cbor:"1,keyasint"`
	ID     crdt.ID `cbor:"2,keyasint"`           // names the attempt: a retry has the same
	Body   RawItem `cbor:"3,keyasint,omitempty"` // one item, by method; nil: none
	City   string  `cbor:"4,keyasint,omitempty"` // the city that is meant; "": whichever answers
}

// Response is one of the answers to a Request: the last one, unless More.
type Response struct {
	Code    Code    `cbor:"1,keyasint"`
	Message string  `cbor:"2,keyasint,omitempty"` // plain text, at most MessageBytesMax bytes
	Body    RawItem `cbor:"3,keyasint,omitempty"` // one item, by method; nil: none
	More    bool    `cbor:"4,keyasint,omitempty"` // others follow
}

// GetRequest asks for heroes and tombstones: all, or those that match every field that is given.
type GetRequest struct {
	Location string    `cbor:"1,keyasint,omitempty"` // heroes there only, no tombstones; "": everywhere
	IDs      []crdt.ID `cbor:"2,keyasint,omitzero"`  // nil: all; empty: none
}

// GetReply is one answer to a get or a watch: entries, or the summary of the whole state.
type GetReply struct {
	Entries *crdt.Entries `cbor:"1,keyasint,omitempty"`
	Summary *crdt.Summary `cbor:"2,keyasint,omitempty"`
}

// CreateRequest asks for a new hero. Its id is the request's.
type CreateRequest struct {
	Name string `cbor:"1,keyasint"`
	Here bool   `cbor:"2,keyasint,omitempty"` // in the city that answers; otherwise at home
}

// HeroReply answers create and assign: the hero as it is then, and the state's summary.
type HeroReply struct {
	Hero    crdt.Hero    `cbor:"1,keyasint"`
	Summary crdt.Summary `cbor:"2,keyasint"`
}

// AssignRequest orders a hero to the city that answers.
type AssignRequest struct {
	Hero    crdt.ID       `cbor:"1,keyasint"`
	Entries *crdt.Entries `cbor:"2,keyasint,omitempty"` // merged first; nil: none
	Home    bool          `cbor:"3,keyasint,omitempty"` // home instead
}

// RetireRequest asks for the death of a hero.
type RetireRequest struct {
	Hero crdt.ID `cbor:"1,keyasint"`
}

// RetireReply answers retire: the tombstone, and the state's summary.
type RetireReply struct {
	Tombstone crdt.Tombstone `cbor:"1,keyasint"`
	Summary   crdt.Summary   `cbor:"2,keyasint"`
}

// UpdateRequest brings entries to be merged.
type UpdateRequest struct {
	Entries crdt.Entries `cbor:"1,keyasint"`
}

// UpdateReply answers update.
type UpdateReply struct {
	Changed uint64       `cbor:"1,keyasint"` // entries that changed the state
	Summary crdt.Summary `cbor:"2,keyasint"` // of the state after it
	// Skipped are those left out: heroes since their stamps are in the future, and entries
	// since the city is full.
	Skipped uint64 `cbor:"3,keyasint"`
	// Full is how many of Skipped were left out since the city is full.
	Full uint64 `cbor:"4,keyasint,omitempty"`
}

// WatchRequest asks for changes as they happen.
type WatchRequest struct {
	Location string `cbor:"1,keyasint,omitempty"` // whose old or new location this is; "": all
}

// InfoReply says who answers.
type InfoReply struct {
	Network     string       `cbor:"1,keyasint"`
	City        string       `cbor:"2,keyasint"`
	Since       crdt.Stamp   `cbor:"3,keyasint"` // when it took its name
	Incarnation crdt.Stamp   `cbor:"4,keyasint"` // when it last started
	Summary     crdt.Summary `cbor:"5,keyasint"`
	Restarts    uint64       `cbor:"6,keyasint"` // by its supervisor, since the process started
	Software    string       `cbor:"7,keyasint"` // at most SoftwareBytesMax bytes
	Now         crdt.Stamp   `cbor:"8,keyasint"` // its clock

	// Joining is how far the transfer of another city's whole state has come,
	// nil if none is running.
	Joining *Joining `cbor:"9,keyasint,omitempty"`
	// Store says how the store of the city is: "ok", or why it does not work.
	// Empty: there is none, the state is lost with the process.
	Store string `cbor:"10,keyasint,omitempty"`
	// Skipped counts the heroes that were left out for their future stamps, since
	// the process started.
	Skipped uint64 `cbor:"11,keyasint,omitempty"`
	// Instance is the process that answers. Of two that run with one key the greater
	// stops.
	Instance Instance `cbor:"12,keyasint"`
	// Problems are what is wrong with the city by its own account, at most
	// ProblemsMax. Nil: nothing.
	Problems []Problem `cbor:"13,keyasint,omitempty"`
}

// StoreWorks is what InfoReply.Store says of a store that works.
const StoreWorks = "ok"

// Joining is the progress of a transfer.
type Joining struct {
	City    string `cbor:"1,keyasint"` // whose state it is
	Entries uint64 `cbor:"2,keyasint"` // that have come
	Of      uint64 `cbor:"3,keyasint"` // about as many in all
}

// LookupRequest asks where a city is.
type LookupRequest struct {
	City string `cbor:"1,keyasint"`
}

// LookupReply answers lookup.
type LookupReply struct {
	Peer  []byte   `cbor:"1,keyasint"` // the peer ID's bytes
	Addrs [][]byte `cbor:"2,keyasint"` // multiaddrs' bytes, without /p2p
}

// LogRequest asks from which level on the components of a node are logged, or changes
// that. Only an admin may.
type LogRequest struct {
	// Levels are items with commas between them, which count in their order: LEVEL is that
	// of all components, COMPONENT=LEVEL that of one; at most LogLevelsBytesMax bytes.
	// Empty: nothing is changed.
	Levels string `cbor:"1,keyasint,omitempty"`
}

// LogReply answers log.
type LogReply struct {
	Levels     string   `cbor:"1,keyasint"` // all of them now, as a LogRequest has them
	Components []string `cbor:"2,keyasint"` // the names that there are
}

// Presence is what a city says of itself on the presence topic.
type Presence struct {
	City        string       `cbor:"1,keyasint"`
	Since       crdt.Stamp   `cbor:"2,keyasint"` // when it took its name
	Incarnation crdt.Stamp   `cbor:"3,keyasint"` // when it last started
	Summary     crdt.Summary `cbor:"4,keyasint"`
	Software    string       `cbor:"5,keyasint"` // at most SoftwareBytesMax bytes
	Sent        crdt.Stamp   `cbor:"6,keyasint"` // orders the presences of one incarnation
	Leaving     bool         `cbor:"7,keyasint,omitempty"`
	// Problems are what is wrong with the city by its own account, at most
	// ProblemsMax. Nil: nothing.
	Problems []Problem `cbor:"8,keyasint,omitempty"`
}

// Question asks whether a peer lives. The answer is the same message.
type Question struct {
	Number uint64 `cbor:"1,keyasint"` // of the questions of this stream
}

// Sign is a message on the topic of signs: its author lives, and has asked another in
// vain, or says only that it lives. Others look into it by themselves.
type Sign struct {
	Sent  crdt.Stamp `cbor:"1,keyasint"`           // greater than that of the author's last sign
	About []byte     `cbor:"2,keyasint,omitempty"` // the bytes of the peer ID that did not answer; nil: nobody
}

// CityLine is what the city that answers knows of one city. Its times are by the clock of
// the city that answers.
type CityLine struct {
	// Presence is the newest that the city said of itself.
	Presence Presence   `cbor:"1,keyasint"`
	Peer     []byte     `cbor:"2,keyasint"`           // the peer ID's bytes
	Status   CityStatus `cbor:"3,keyasint"`           // one of the constants
	Agreed   crdt.Stamp `cbor:"4,keyasint,omitempty"` // start of the last complete sync with it; 0: none
	Heard    crdt.Stamp `cbor:"5,keyasint,omitempty"` // when the summary in Presence arrived; 0: it is of now
	RTT      uint64     `cbor:"6,keyasint,omitempty"` // microseconds that a question and its answer take; 0: not measured
	// Agrees says whether the city holds what the one that answers holds, as far as that
	// is proved. nil: there is no word of it that is new enough, or it is gone.
	Agrees *bool `cbor:"7,keyasint,omitempty"`
	// Via is the peer ID of who passed on the presence of a city that is relayed, in
	// bytes; nil for all others.
	Via []byte `cbor:"8,keyasint,omitempty"`
}

// CitiesReply is one answer to cities.
type CitiesReply struct {
	Cities []CityLine `cbor:"1,keyasint"`
}

// ProblemLine is one problem of one city, as the city that answers knows it: what that
// city says of itself, or what the one that answers sees in it.
type ProblemLine struct {
	Problem Problem    `cbor:"1,keyasint"`
	City    string     `cbor:"2,keyasint"`
	Peer    []byte     `cbor:"3,keyasint"` // the peer ID's bytes
	Since   crdt.Stamp `cbor:"4,keyasint"` // when the city that answers first knew of it, by its clock
	// Detail is what is known beside the code, in plain text for people. Empty: nothing.
	Detail string `cbor:"5,keyasint,omitempty"`
}

// ProblemsReply is one answer to problems.
type ProblemsReply struct {
	Problems []ProblemLine `cbor:"1,keyasint"`
}

// ForgetRequest asks a city to drop from its directory what is gone: all peers of that
// city's name, or that one peer. Exactly one of the two is given.
type ForgetRequest struct {
	City string `cbor:"1,keyasint,omitempty"`
	Peer []byte `cbor:"2,keyasint,omitempty"` // the peer ID's bytes
}

// ForgetReply answers forget.
type ForgetReply struct {
	Peers [][]byte `cbor:"1,keyasint"` // the peer IDs' bytes of those that were dropped; none: nothing was known
}

// An ExportCut says which state an export has.
type ExportCut struct {
	Network string       `cbor:"1,keyasint"`
	City    string       `cbor:"2,keyasint"`
	Peer    []byte       `cbor:"3,keyasint"` // the peer ID's bytes
	Taken   crdt.Stamp   `cbor:"4,keyasint"` // when the city held just this, by its clock
	Summary crdt.Summary `cbor:"5,keyasint"` // of all entries that follow
}

// ExportReply is one answer to export, and has one of its fields.
type ExportReply struct {
	Cut     *ExportCut    `cbor:"1,keyasint,omitempty"` // the first
	Entries *crdt.Entries `cbor:"2,keyasint,omitempty"` // those between
	Count   *uint64       `cbor:"3,keyasint,omitempty"` // the last: how many entries there were
}

// SettleLine is the outcome of one complete sync that settle ran. It has either
// counts, zero or not, or an error, never both.
type SettleLine struct {
	City     string `cbor:"1,keyasint"`
	Differed uint64 `cbor:"2,keyasint,omitempty" unless:"3"` // entries that one side lacked
	Error    string `cbor:"3,keyasint,omitempty"`            // why the sync is not complete; "": it is
	Peer     []byte `cbor:"4,keyasint"`                      // the peer ID's bytes
	Skipped  uint64 `cbor:"5,keyasint,omitempty" unless:"3"` // heroes left out, for their stamps are in the future
}
