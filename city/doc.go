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
// # Own rules
//
// A program may replace patrols and fights by rules of its own. It switches the ticks
// off ([Config.PatrolEvery] and [Config.FightEvery] are [Off]), reads the heroes of the
// city with [Incarnation.PageAt], and writes them with an [Update] whose Source is
// [SourceSelf], which is gossiped and stored as a tick is.
//
// Who may write: only the city in which the hero is, by its Location, if its Replica is
// that of the city too, and there only one goroutine. Under one order exactly one peer
// writes, which is what makes versions comparable. A hero that is here under the order of
// another peer, which has or had the same name, is that peer's; the hero of another is
// changed by an [Assign], a death is a [Retire]. The city passes over a write that is not
// allowed so, as over a stale one.
//
// The version of a write: Assigned and Replica stay as they are, for the write happens
// under the same order. HLC becomes
//
//	max(crdt.StampAt(time.Now()), hero.Version.HLC.Next())
//
// and must not be later than [OwnSkewMax] ahead of the clock, since other cities skip
// what is stamped too far ahead: leave such a hero alone until it is due, which happens
// only where the own clock has gone back. Health stays
// within 1 and 100, Name and Location stay.
//
// A stale write changes nothing: if the hero was ordered away or died between the read
// and the write, what the city holds is greater, Reply.Changed does not count the
// entry, and the rule reads again. Two different writes of one version contradict each
// other; one of them is lost, and nobody is told which.
//
// While the city does not trust its clock, and while its store does not work, it
// refuses such an Update as [Unavailable], as it leaves out its ticks. The rules try
// again at their next tick.
//
// # What it never does
//
// A city acts only on the heroes located in it and never needs another city.
// This package knows no network and no wire format.
package city
