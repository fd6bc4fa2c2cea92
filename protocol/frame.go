package protocol

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/multiformats/go-varint"
)

// frameChunkBytes is what ReadFrame allocates before the first byte of a frame
// has come: most frames fit.
const frameChunkBytes = 4 << 10

// ReadFrame reads one frame from r and returns its payload, which the caller
// owns. It allocates at most twice what has arrived, and frameChunkBytes,
// whatever length is announced.
//
// The error is io.EOF if r ended before the frame's first byte, matches
// io.ErrUnexpectedEOF if it ended within the frame, is an *Error with TooLarge
// for a length over max and with BadRequest for one that is not minimal, and
// else is r's.
func ReadFrame(r *bufio.Reader, max int) ([]byte, error) {
	length, err := varint.ReadUvarint(r)
	switch {
	case errors.Is(err, varint.ErrNotMinimal):
		return nil, Errorf(BadRequest, "frame length is not in its shortest form")
	case errors.Is(err, varint.ErrOverflow):
		return nil, Errorf(TooLarge, "frame length has more than %d bytes", varint.MaxLenUvarint63)
	case err == io.EOF:
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("read frame length: %w", err)
	case length > uint64(max):
		return nil, Errorf(TooLarge, "frame of %d bytes, at most %d are allowed", length, max)
	}
	return readPayload(r, int(length))
}

// readPayload reads n bytes into a buffer that grows as they arrive.
func readPayload(r *bufio.Reader, n int) ([]byte, error) {
	payload := make([]byte, 0, min(n, max(frameChunkBytes, r.Buffered())))
	for len(payload) < n {
		if len(payload) == cap(payload) {
			grown := make([]byte, len(payload), min(n, 2*cap(payload)))
			copy(grown, payload)
			payload = grown
		}
		read, err := io.ReadFull(r, payload[len(payload):cap(payload)])
		payload = payload[:len(payload)+read]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("read frame of %d bytes: %w", n, err)
		}
	}
	return payload, nil
}

// frameBuffered reports whether the next frame has come whole, so that reading
// it waits for nothing.
func frameBuffered(r *bufio.Reader) bool {
	head, _ := r.Peek(min(r.Buffered(), varint.MaxLenUvarint63))
	length, n, err := varint.FromUvarint(head)
	return err == nil && length <= uint64(r.Buffered()-n)
}

// WriteFrame writes payload as one frame, in one call of w.Write.
func WriteFrame(w io.Writer, payload []byte) error {
	if _, err := w.Write(appendFrame(nil, payload)); err != nil {
		return fmt.Errorf("write frame of %d bytes: %w", len(payload), err)
	}
	return nil
}

func appendFrame(dst, payload []byte) []byte {
	dst = slices.Grow(dst, varint.MaxLenUvarint63+len(payload))
	dst = binary.AppendUvarint(dst, uint64(len(payload)))
	return append(dst, payload...)
}
