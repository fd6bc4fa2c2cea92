// Package city is one city: the rules by which it changes the replicated
// state, and the actor that applies them.
//
// [Core] is the pure machine. It takes (now, random source, message) and gives
// (reply, effects): no clock, no goroutine, no lock, no network. All rules of
// create, assign, retire, update, patrol, fight and bomb are there, and the
// simulator drives exactly that code.
//
// [City] is the actor round a Core. One goroutine, the loop that [City.Start]
// returns, owns the Core and all that hangs on it; everybody else sends it
// messages. One run of the loop is one [Incarnation]: it begins with an empty
// state and ends with the crash, the bomb or the stop that ended it. Restarting is the
// supervisor's work, recovery the neighbours'.
//
// A city acts only on the heroes located in it and never needs another city.
// This package knows no network and no wire format.
package city
