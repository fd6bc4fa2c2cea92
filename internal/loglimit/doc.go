// Package loglimit keeps peers from filling a log.
//
// Whoever logs what a peer can make happen marks the record with [By]. A [Handler] that
// stands before the log's own then lets one line of a kind through, counts the others,
// and tells their number a minute after that line. So no attack is without a line, and
// none has more than a line a minute of each kind and peer, nor more than 128 lines a
// minute in all. Records without the mark, and those at debug, pass as they are.
package loglimit
