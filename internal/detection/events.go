package detection

// A Peer names a peer. The machine compares and orders names and reads nothing in them.
type Peer string

// An Event is something that happened.
type Event interface{ event() }

type (
	// Tick says that time has passed: Next has come.
	Tick struct{}

	// Alive says that a peer has just proved to be a city that lives. The machine
	// judges a peer from its first Alive until it is Gone. Restarted says that it is a
	// new incarnation, whose stamps begin anew.
	Alive struct {
		Peer      Peer
		Connected bool
		Restarted bool
	}

	// Gone says that a peer has left, or is forgotten.
	Gone struct{ Peer Peer }

	// Connected says that there is a new connection to a peer.
	Connected struct{ Peer Peer }

	// Disconnected says that the last connection to a peer has ended.
	Disconnected struct{ Peer Peer }

	// Answered says that a peer has answered the question of that number.
	Answered struct {
		Peer   Peer
		Number uint64
	}

	// Asked says that a peer has put a question to this one.
	Asked struct{ Peer Peer }

	// Heard says that a peer has signed and gossiped something with a stamp. About is the
	// peer that it has asked in vain, "" where it only says that it lives itself.
	Heard struct {
		Peer  Peer
		Stamp uint64
		About Peer
	}

	// Dialed says how a Dial ended.
	Dialed struct {
		Peer Peer
		OK   bool
	}

	// Probed says how a Probe ended.
	Probed struct {
		Peer    Peer
		Refused bool
	}
)

func (Tick) event()         {}
func (Alive) event()        {}
func (Gone) event()         {}
func (Connected) event()    {}
func (Disconnected) event() {}
func (Answered) event()     {}
func (Asked) event()        {}
func (Heard) event()        {}
func (Dialed) event()       {}
func (Probed) event()       {}

// An Effect is something to be done. None may hold up whoever does them: what takes time
// ends in an Event.
type Effect interface{ effect() }

type (
	// Ask puts a question to a peer that is connected. It ends in Answered, or in nothing.
	Ask struct {
		Peer   Peer
		Number uint64
	}

	// Dial connects to a peer that is not connected, and has it prove who it is. It ends in
	// Dialed, always.
	Dial struct{ Peer Peer }

	// Knock has a peer prove who it is on a connection that is made for that alone, whatever
	// other connections there are. It ends in Dialed, always.
	Knock struct{ Peer Peer }

	// Renew ends the connections to a peer, which lives and does not answer on them.
	Renew struct{ Peer Peer }

	// Probe tries, twice 100 ms apart, whether the address of the peer's last connection
	// refuses connections. It ends in Probed, always.
	Probe struct{ Peer Peer }

	// Tell gossips a signed and stamped hint that a peer did not answer.
	Tell struct{ About Peer }

	// Live gossips signed and stamped that this peer lives.
	Live struct{}

	// Became says that a peer has changed its status, which is never Failed before.
	Became struct {
		Peer   Peer
		Status Status
	}

	// Confirm asks a failed peer who it is, for it has given a sign of life. Only an Alive
	// brings it back.
	Confirm struct{ Peer Peer }

	// Return says that a failed peer is within reach again, so that it is to be dialed anew
	// if it is not connected, and others that failed as well.
	Return struct{}
)

func (Ask) effect()     {}
func (Dial) effect()    {}
func (Knock) effect()   {}
func (Renew) effect()   {}
func (Probe) effect()   {}
func (Tell) effect()    {}
func (Live) effect()    {}
func (Became) effect()  {}
func (Confirm) effect() {}
func (Return) effect()  {}

// Status is what the machine thinks of a peer.
type Status uint8

// The statuses of a peer.
const (
	Living Status = iota
	Suspect
	Failed
)

// String returns the status in a word.
func (s Status) String() string { return [...]string{"alive", "suspect", "failed"}[s] }
