// Package durable makes what a city does durable, and gives it back at a start.
//
// [Machine] decides what is written and when: which effects wait for the disk,
// what one commit holds, up to which effects all is durable, what a fault of the
// store means, when the whole state has to be written anew, and whether a bomb
// has voided what an incarnation stored. It is pure: it takes events and the time
// at which they happen, and returns effects. It has no clock, no goroutine, no
// lock and no store. Package sim drives this machine.
//
// [Writer] is the shell round it. It owns the store, a goroutine that carries out
// the effects one after another, and a second one that notices a disk that hangs.
// It gives each incarnation of a city a journal ([Writer.Begin]), and fills each
// from the store ([Writer.Fill]).
//
// [Facts] are what a city knows of itself over restarts of its process: since
// when it has its name, and its last incarnation.
//
// The package promises that a loss of power takes back nothing that Written has
// named, unless a bomb voids it, or neighbours sent it and can send it again; and
// that who waits for effects hears of a fault soon after StuckAfter. It never holds
// up the city's loop for the disk.
package durable
