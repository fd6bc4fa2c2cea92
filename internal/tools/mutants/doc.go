// Command mutants asks whether the tests would notice a fault. It makes one
// deliberate fault after another in the code, runs the tests that are named for
// it, and fails if a fault lives, that is if one of these tests passes all the
// same:
//
//	mutants                  all faults of the list
//	mutants -only NAME       one of them
//	mutants -sample N        N of them, drawn by a seed that is printed
//	mutants -sample N -seed S  the same draw again
//
// The faults stand in list, one txtar file a room. In it each is a section:
//
//	-- name-of-the-fault --
//	file: crdt/merge.go
//	why: What goes wrong with it, in one line.
//	test: ./crdt TestThatMustFail
//
//	 a line of the code that stays
//	-the old line
//	+the new line
//
// The lines after the empty one are a hunk as a diff has it, without numbers: what
// begins with a space or a minus is the old text, which must stand in the file
// exactly once, as whole lines; what begins with a space or a plus is the new
// text. There may be several lines "test:", all of whose tests must fail, and one
// line "hang: 10s", with which a test that runs for that long counts as failed.
//
// No file is changed and no tree is copied: the compiler is told to read another
// file in the place of the faulty one (go build -overlay), so the cache of builds
// helps, and the fault is there for every package that imports the faulty one.
// Before the first fault, the named tests must pass without any. A fault that
// does not compile is an error of the list.
package main
