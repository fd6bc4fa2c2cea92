package connlimit

const (
	// filesForOthers are the files that connections leave to others: 64 tables of the
	// store, its logs, the sockets that listen, and the web page.
	filesForOthers = 96
	// filesMin is how many files connections have where there are next to none: a few
	// neighbours and a dispatcher.
	filesMin = 32
	// inAllMax are the connections of strangers: with more than 2,048 a city would do
	// little else than keep them alive.
	inAllMax = 2048
	// handshakesMax bounds the handshakes at once. A burst of commands or a partition
	// that heals brings many.
	handshakesMax = 512
	// perHostMax admits a rack or a household behind one address: 64 cities, each with
	// one connection over TCP and one over QUIC while it has not settled for either.
	perHostMax = 128
	// silentMax bounds the connections that have said nothing yet. An honest one is silent
	// for one round trip.
	silentMax = 192
)

// Shares are how many connections there may be at once.
type Shares struct {
	// InAll bounds connections, and with TCP their files, of all others than those of
	// the reserve.
	InAll int
	// Handshakes bounds those of them whose handshake is under way.
	Handshakes int
	// Reserve bounds the connections that loopback and known peers may have beside that.
	Reserve int
	// PerHost bounds those of one address, whichever side began them. For IPv6 an
	// address is a /56, which one household has.
	PerHost int
	// Silent bounds those that have said nothing, SilentPerHost those of one address. An
	// address that has half of that has its oldest cut for each new one.
	Silent, SilentPerHost int
}

// SharesOf returns the shares of a process that may have so many files open. Where that is
// as many as systems usually allow, the files do not matter.
func SharesOf(files int) Shares {
	left := max(files-filesForOthers, filesMin)
	s := Shares{InAll: min(left/4*3, inAllMax)}
	s.Reserve = min(left-s.InAll, inAllMax/4)
	s.Handshakes = min(s.InAll/2, handshakesMax)
	s.PerHost = min(s.InAll/3*2, perHostMax)
	s.Silent = min(s.Handshakes/2, silentMax)
	s.SilentPerHost = s.Silent / 3
	return s
}
