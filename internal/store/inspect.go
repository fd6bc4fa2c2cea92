package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The form of a chunk in logs and manifests: checksum (4 bytes), length (2), type
// (1); then in logs the log's number (4), and in those with sync offsets how much
// of the log was durable when the chunk was written (8). Package record of Pebble has the
// source; damage_test.go breaks real files, and fails if the form changes.
const (
	chunkHeadBytes     = 7
	chunkTypeAt        = 6
	chunkNumberAt      = 7
	chunkSyncedAt      = 11
	chunkSyncHeadBytes = 19
	chunkTypeMin       = 1 // of manifests, up to 4
	chunkTypeMax       = 4
	chunkSyncTypeMin   = 9 // of logs with sync offsets, up to 12
	chunkSyncTypeMax   = 12
	// The files are read whole. A log has about memTableBytes, and Pebble begins a new
	// manifest at 128 MiB.
	logFileBytesMax = 1 << 30
)

// inspect looks at the newest log and at the manifest before Pebble does. Pebble
// takes the first record that cannot be read for the end of either file, though
// records that had been acknowledged may follow; older logs it reads strictly by itself.
// damage is a *CorruptError where that is so. A log that only ends in the middle of a
// record is reported. What nothing follows cannot be told from a torn end: damage to the
// last record of either file, or in a log to what its later records do not say was synced.
// Of a log the witness may know better: testify.
func inspect(fs vfs.FS, database string) (damage error, r Recovered, err error) {
	names, err := fs.List(database)
	if err != nil {
		return nil, r, fmt.Errorf("read store %s: %w", database, err)
	}
	if name, ok := manifestOf(names); ok {
		if damage, err = inspectManifest(fs, fs.PathJoin(database, name)); damage != nil || err != nil {
			return damage, r, err
		}
	}
	name, number := newestLog(names)
	if name == "" {
		return nil, r, nil
	}
	return inspectLog(fs, fs.PathJoin(database, name), number)
}

// manifestOf returns the manifest that the newest marker names. A crash may leave older
// markers behind; the highest number counts, as it does for Pebble.
func manifestOf(names []string) (manifest string, ok bool) {
	newest := -1
	for _, name := range names {
		rest, is := strings.CutPrefix(name, "marker.manifest.")
		count, target, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(count); is && err == nil && n > newest {
			newest, manifest = n, target
		}
	}
	return manifest, newest >= 0 && slices.Contains(names, manifest)
}

// newestLog returns the log with the highest number, the only one that may be torn.
func newestLog(names []string) (newest string, number uint64) {
	for _, name := range names {
		if n, is := logNumber(name); is && n >= number {
			newest, number = name, n
		}
	}
	return newest, number
}

// whole reads records as long as they are whole.
func whole(text []byte, number uint64) (records int, end int64, err error) {
	r := reader(record.NewReader, text, number)
	for {
		end = r.Offset()
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, rec)
		}
		if errors.Is(err, io.EOF) {
			return records, min(end, int64(len(text))), nil
		}
		if err != nil {
			return records, min(end, int64(len(text))), err
		}
		records++
	}
}

// reader calls open for a log of that number, whose type has no name outside Pebble.
func reader[N ~uint64](open func(io.Reader, N) *record.Reader, text []byte, number uint64) *record.Reader {
	return open(bytes.NewReader(text), N(number))
}

// inspectManifest looks at a manifest. One without any whole record is damaged: Pebble
// syncs the first before the marker names the manifest.
func inspectManifest(fs vfs.FS, path string) (damage, err error) {
	text, err := readFile(fs, path, logFileBytesMax)
	if err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	records, end, cause := whole(text, 0)
	switch {
	case records == 0:
		return &CorruptError{File: path, Offset: 0, Err: fmt.Errorf("no whole record in %d bytes: %w", len(text), errMalformed)}, nil
	case cause != nil && follows(text[end:], manifestChunk):
		return &CorruptError{File: path, Offset: end, Err: cause}, nil
	}
	return nil, nil
}

// inspectLog looks at a log. A log has no end mark, so what cannot be read is a torn end
// unless something behind it proves that it had been durable.
func inspectLog(fs vfs.FS, path string, number uint64) (damage error, r Recovered, err error) {
	text, err := readFile(fs, path, logFileBytesMax)
	if err != nil {
		return nil, r, fmt.Errorf("read store: %w", err)
	}
	records, end, cause := whole(text, number)
	// A later chunk that was written when more than end was durable is such a proof.
	synced := func(b []byte) bool { return syncedChunk(b, uint32(number)) > uint64(end) }
	// Zeros at the end are room that was taken beforehand and never used.
	switch dropped := int64(len(bytes.TrimRight(text[end:], "\x00"))); {
	case cause == nil || dropped == 0:
	case follows(text[end:], synced):
		return &CorruptError{File: path, Offset: end, Err: cause}, r, nil
	case ofLog(text[end:], uint32(number)):
		r = Recovered{File: path, Offset: end, DroppedBytes: dropped, Records: records}
	}
	return nil, r, nil
}

// ofLog reports whether a chunk that cannot be read was of this log, or may have
// been; a log that was used before holds chunks of the other after its end.
func ofLog(b []byte, number uint32) bool {
	if len(b) < chunkSyncedAt || b[chunkTypeAt] == 0 {
		return true
	}
	return binary.LittleEndian.Uint32(b[chunkNumberAt:]) >= number
}

// follows reports whether there is a chunk after the first byte of b that is good. After
// damage nobody knows where chunks begin, so it tries each byte.
func follows(b []byte, good func([]byte) bool) bool {
	for i := 1; i+chunkHeadBytes <= len(b); i++ {
		if b[i+chunkTypeAt] != 0 && b[i+chunkTypeAt] <= chunkSyncTypeMax && good(b[i:]) {
			return true
		}
	}
	return false
}

// manifestChunk reports whether b begins with a whole chunk of a manifest.
func manifestChunk(b []byte) bool {
	n := int(binary.LittleEndian.Uint16(b[4:]))
	if kind := b[chunkTypeAt]; kind < chunkTypeMin || kind > chunkTypeMax || chunkHeadBytes+n > len(b) || n == 0 {
		return false
	}
	return matches(b[:chunkHeadBytes+n])
}

// syncedChunk returns how much was durable when the chunk that b begins with was
// written, 0 if there is no whole chunk of the log there. The number is compared before
// the checksum: it rules out nearly every place, and costs nothing.
func syncedChunk(b []byte, number uint32) uint64 {
	if len(b) < chunkSyncHeadBytes || b[chunkTypeAt] < chunkSyncTypeMin || b[chunkTypeAt] > chunkSyncTypeMax {
		return 0
	}
	end := chunkSyncHeadBytes + int(binary.LittleEndian.Uint16(b[4:]))
	if end > len(b) || binary.LittleEndian.Uint32(b[chunkNumberAt:]) != number || !matches(b[:end]) {
		return 0
	}
	return binary.LittleEndian.Uint64(b[chunkSyncedAt:])
}

// matches checks a chunk against its checksum, a CRC-32C that LevelDB rotates and
// shifts.
func matches(chunk []byte) bool {
	sum := bits.RotateLeft32(crc32.Checksum(chunk[chunkTypeAt:], castagnoli), -15) + 0xa282ead8
	return sum == binary.LittleEndian.Uint32(chunk)
}
