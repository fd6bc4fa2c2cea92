package protocol

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	var b bytes.Buffer
	payloads := [][]byte{{}, {0x80}, make([]byte, 127), make([]byte, 128), make([]byte, frameChunkBytes+1), make([]byte, FrameBytesMax)}
	for _, p := range payloads {
		if err := WriteFrame(&b, p); err != nil {
			t.Fatal(err)
		}
	}
	for name, r := range map[string]io.Reader{
		"at once":      bytes.NewReader(b.Bytes()),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(b.Bytes())),
	} {
		in := bufio.NewReader(r)
		for i, want := range payloads {
			if got, err := ReadFrame(in, FrameBytesMax); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: frame %d: %d bytes, %v", name, i, len(got), err)
			}
		}
		if _, err := ReadFrame(in, FrameBytesMax); err != io.EOF {
			t.Errorf("%s: after the last: %v", name, err)
		}
	}
}

func TestBadLengthsOfFramesAreRefused(t *testing.T) {
	for hex, want := range map[string]error{
		"":                         io.EOF,
		"\x80":                     io.ErrUnexpectedEOF,
		"\x02\x00":                 io.ErrUnexpectedEOF,
		"\x01":                     io.ErrUnexpectedEOF,
		"\x80\x00":                 ErrBadRequest,
		"\x81\x80\x00":             ErrBadRequest,
		"\x81\x80\x10":             ErrTooLarge,
		"\xff\xff\xff\xff\x7f":     ErrTooLarge,
		strings.Repeat("\xff", 10): ErrTooLarge,
	} {
		_, err := ReadFrame(bufio.NewReader(strings.NewReader(hex)), FrameBytesMax)
		if !errors.Is(err, want) {
			t.Errorf("%x: %v, want %v", hex, err, want)
		}
	}
}

func TestFrameIsBufferedOnceItsLastByteHasCome(t *testing.T) {
	for _, payload := range [][]byte{{}, {1}, make([]byte, 200)} {
		frame := framed(payload)
		for n := range len(frame) + 2 {
			in := bufio.NewReader(bytes.NewReader(append(frame, frame...)[:n]))
			_, _ = in.Peek(n)
			if got := frameBuffered(in); got != (n >= len(frame)) {
				t.Errorf("%d bytes of %d: %v", n, len(frame), got)
			}
		}
	}
	in := bufio.NewReader(bytes.NewReader([]byte{0x80, 0x00, 0x01})) // not the shortest form
	_, _ = in.Peek(1)
	if frameBuffered(in) {
		t.Error("a length that is refused is not a frame")
	}
}

func TestErrorOfTheReaderIsKept(t *testing.T) {
	broken := errors.New("broken")
	for _, part := range []string{"\x80", "\x05\x00"} {
		r := io.MultiReader(strings.NewReader(part), iotest.ErrReader(broken))
		if _, err := ReadFrame(bufio.NewReader(r), FrameBytesMax); !errors.Is(err, broken) {
			t.Errorf("%x: %v", part, err)
		}
	}
}

func TestAnnouncedFrameCostsNoMoreThanWhatArrives(t *testing.T) {
	arrived := append([]byte{0x80, 0x80, 0x10}, make([]byte, 10<<10)...) // of 256 KiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 100
	for range rounds {
		if _, err := ReadFrame(bufio.NewReaderSize(bytes.NewReader(arrived), 16), FrameBytesMax); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / rounds; bytes > 4*uint64(len(arrived)) {
		t.Errorf("%d bytes were allocated for %d that came", bytes, len(arrived))
	}
}

func FuzzReadFrame(f *testing.F) {
	for _, seed := range []string{"", "\x00", "\x01\x80", "\x81\x00\x80", "\x80\x80\x10", "\x03\xa1\x01\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 10
		in := bufio.NewReader(iotest.HalfReader(bytes.NewReader(b)))
		var again bytes.Buffer
		for {
			payload, err := ReadFrame(in, limit)
			if err != nil {
				break
			}
			if len(payload) > limit {
				t.Fatalf("frame of %d bytes", len(payload))
			}
			_ = WriteFrame(&again, payload)
		}
		if !bytes.HasPrefix(b, again.Bytes()) { // lengths are minimal, so there is one way to write each
			t.Fatalf("read from %x what is written %x", b, again.Bytes())
		}
	})
}
