// Package store keeps the state of one city durable. A city holds its whole
// state in memory; the store gives it back at a start, and is not read else.
//
// # What it promises
//
// What [Store.Commit] acknowledged, unless lazy, is there after any crash of the
// process or the machine, and a batch is there wholly or not at all. What
// [Store.Raise] voided never comes back. A disk that fails neither ends the
// process nor hangs a caller: all callers get the cause, the store is down, and
// [Store.Resume] brings it back once the disk is well. A folder of another city,
// of a newer format, or damaged is refused with an error that says what is there
// and what to do, and nothing in it is changed.
//
// # What it never does
//
// It does not merge and does not compare versions: of two commits of an entry
// the later stands, and a tombstone stands in place of the hero.
//
// # The folder
//
//	identity      whose folder it is, as text; see below
//	identity.new  the same while the folder is being made
//	db/           a Pebble database
//
// The identity is five lines and a checksum: "citynode store", "format N",
// "city Q", "network Q", "peer Q", "crc32c H", where Q is a quoted string and H
// is of the lines before it. It is written and synced as identity.new before
// anything else, and gets its name when the database is whole. A folder with
// only identity.new holds nothing that was acknowledged; opening it begins anew.
//
// # The keys
//
// Integers are big-endian. The epoch counts the times that all was voided.
//
//	01                              -> epoch (8 bytes)
//	02                              -> since, incarnation (8 bytes each)
//	04 epoch id (16) -> kind (1 hero, 2 tombstone), canonical CBOR
//	05 epoch number  -> caller length (uvarint), caller, answer
//
// Records and answers of another epoch than the present one do not count, and are
// deleted when the epoch rises and at every start. Raising the epoch and the
// deletion are one batch, so no crash comes between them; a commit that runs
// beside it may still leave a record of the old epoch, for the next start.
//
// # Failing disks
//
// Pebble cannot go on after a failed write of its log: it calls Logger.Fatalf,
// panics with its locks held, or tries again without end. So it never sees one.
// Between Pebble and the disk stands a guard: at the first operation that fails
// it keeps the cause and from then on lets nothing reach the disk, while Pebble
// is told that all is well, until it has been closed. What the disk holds is then
// what a crash at that moment would have left, which is the case Pebble is made
// for. No commit is acknowledged once the guard has closed.
package store
