package protocol

import "time"

// Limits that both sides of the wire keep.
const (
	// FrameBytesMax is the most bytes of a frame's item: about 2,500 heroes, so
	// that a whole state is moved in few frames, and little enough for each of
	// hundreds of streams to hold one.
	FrameBytesMax = 256 << 10
	// NestingMax is the most containers within each other in a frame, its
	// outermost one counted as 1. The deepest message has 5.
	NestingMax = 8
)

// Limits of texts, in bytes of UTF-8. Those of the names of heroes and cities are
// crdt's.
const (
	// MessageBytesMax bounds the text that explains a code: a few lines for a
	// person.
	MessageBytesMax = 1 << 10
	// SoftwareBytesMax bounds the name and version of a program in presence and
	// info.
	SoftwareBytesMax = 64
	// LogLevelsBytesMax bounds the levels of a LogRequest. All components with a level
	// each have a tenth of it.
	LogLevelsBytesMax = 1 << 10
	// methodShownMax is how much of an unknown method an answer repeats.
	methodShownMax = 64
	// peerBytesMax bounds a peer ID: a multihash of 64 bytes with a head of up to
	// six.
	peerBytesMax = 70
)

// Deadlines of a stream.
const (
	// FrameTimeout bounds a frame from its first byte to its last, in either direction.
	FrameTimeout = 10 * time.Second
	// IdleTimeout bounds the pause between an answer and the next request's first byte.
	IdleTimeout = 5 * time.Minute
	// CloseTimeout is how long a side that has closed its writing side waits for the other to close, before it
	// resets the stream.
	CloseTimeout = time.Second
)

const (
	// drainBytesMax is the most bytes read away while waiting for the other side to close: what a caller may
	// have sent before it could know, four frames' worth.
	drainBytesMax = 4 * FrameBytesMax
	// pipelineMax is the most requests of one client on their way at once: enough to hide the round trip of a
	// slow link, few enough for a city to answer within its deadlines.
	pipelineMax = 64
	// updateWindow is the most frames of one update on their way at once, so that a large update leaves
	// room for other calls.
	updateWindow = 4
	// updateBytesMax is the most bytes of entries in one request of an update that the client splits: half a
	// frame leaves room for the envelope, and keeps a city's batches short.
	updateBytesMax = FrameBytesMax / 2
	// citiesMax is the most lines of cities that a client takes: far more than a
	// network of this kind has, and some MiB.
	citiesMax = 1 << 14
	// problemsMax is the most problems that a client takes in all: some MiB, and more
	// than a city tells of.
	problemsMax = 1 << 14
	// elementsMax is the most elements of an array in a message: the smallest
	// element that a frame can be full of is an ID of 17 bytes, of which 15,420
	// fit.
	elementsMax = 1 << 14
	// skippedElementsMax is the most elements of an array that nobody looks into:
	// in a body that is still to be decoded, or under an unknown key. It keeps
	// what was accepted when a library read these.
	skippedElementsMax = 128 << 10
)

// Limits of questions whether a peer lives, and of signs.
const (
	// AliveBytesMax bounds a question, its answer and a [Sign]: well above their 11 and 85
	// bytes, for a newer version may add fields, which this one skips.
	AliveBytesMax = 256
	// AliveStreamsMax is the most streams of questions that a peer may have open to
	// another: one that is kept, and those that replace one that does not answer.
	AliveStreamsMax = 8
	// AliveRate is the most questions a second that a peer may put on one stream: one a
	// second is asked, and a few for each hint.
	AliveRate = 8
	// AliveBurst is the most questions that a peer may put on one stream at once.
	AliveBurst = 32
)
