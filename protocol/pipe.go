package protocol

import (
	"errors"
	"io"
	"net"
	"time"
)

// Pipe returns the two ends of a stream in memory, for calls within one process. It
// has no buffer: a write waits until the other end has read it. A reset at one end is
// the end of the stream at the other.
func Pipe() (a, b Stream) {
	aIn, bOut := net.Pipe()
	bIn, aOut := net.Pipe()
	return &pipe{in: aIn, out: aOut}, &pipe{in: bIn, out: bOut}
}

// A pipe is one end: in and out are one end of a net.Pipe each, so that the two
// directions end apart.
type pipe struct{ in, out net.Conn }

// Read reads what the other end has written. It returns io.EOF once that end has
// closed its writing side.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	if errors.Is(err, io.ErrClosedPipe) {
		err = net.ErrClosed
	}
	return n, err
}

// Write waits until the other end has read all of b.
func (p *pipe) Write(b []byte) (int, error) { return p.out.Write(b) }

// CloseWrite ends the writing side.
func (p *pipe) CloseWrite() error { return p.out.Close() }

// Close ends both directions. What was written has been read already.
func (p *pipe) Close() error { return errors.Join(p.in.Close(), p.out.Close()) }

// Reset does what Close does: nothing is on its way that could be lost.
func (p *pipe) Reset() error { return p.Close() }

// SetReadDeadline bounds reads.
func (p *pipe) SetReadDeadline(t time.Time) error { return p.in.SetReadDeadline(t) }

// SetWriteDeadline bounds writes.
func (p *pipe) SetWriteDeadline(t time.Time) error { return p.out.SetWriteDeadline(t) }
