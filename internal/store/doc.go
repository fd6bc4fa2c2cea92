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
//	witness       how much of the newest log was durable, as text; see below
//
// The identity is five lines and a checksum: "citynode store", "format N",
// "city Q", "network Q", "peer Q", "crc32c H", where Q is a quoted string and H
// is of the lines before it. It is written and synced as identity.new before
// anything else, and gets its name when the database is whole. A folder with
// only identity.new holds nothing that was acknowledged; opening it begins anew.
//
// # The witness
//
// A log of Pebble has no end mark. One that is empty or torn may be what a crash left of
// writes that no sync had ended for; it may as well have lost what was acknowledged, to a
// hand, to a disk that forgot what it had synced, to a copy without it. So a second file
// says up to where the newest log was durable: "citynode witness", "log N", "bytes N",
// "sum H" (CRC-32C of so many bytes of the log), "crc32c H" (of the lines before it), with
// numbers of a fixed width. It is written over itself after a sync of a log, once a second
// at most and not by who waits for the sync, and at the end. A store that has less in a log
// that still counts is damaged.
//
// No crash makes it so. The witness only says what had been durable before it was
// written, and a log goes only after the manifest says durably that it does not count any
// more. What the witness has not seen, a second of commits at most, is not protected. A
// witness that is torn or gone says nothing.
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
