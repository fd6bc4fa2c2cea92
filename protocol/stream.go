package protocol

import (
	"io"
	"time"
)

// Stream is one full-duplex stream: a libp2p stream, or anything that behaves
// like one. One goroutine may read while another writes; Close and Reset may be
// called at any time and interrupt both.
type Stream interface {
	io.ReadWriter
	// CloseWrite ends the writing side; the other side then reads io.EOF.
	CloseWrite() error
	// Close closes both directions and releases the stream. What was written
	// still arrives.
	Close() error
	// Reset aborts both directions and releases the stream. What was written
	// may be lost.
	Reset() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}
