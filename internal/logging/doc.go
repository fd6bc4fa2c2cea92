// Package logging decides which lines of a program's log are written, and writes them
// without ever holding the program up.
//
// [Levels] say from which level on each component is logged, and may change while the
// program runs. A [Handler] asks them for each record, by the record's component, which is
// an attribute of its logger. [Lines] is a writer that takes lines at once and writes them
// in a goroutine: what cannot be written is dropped and counted.
//
// The package reads no configuration and knows none of the components.
package logging
