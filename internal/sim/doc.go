// Package sim is a seeded simulation of a cluster: many city cores, a network
// between them, dispatchers, and faults, in one goroutine and in virtual time.
//
// The code under test is the real one: the cores of package city and the part of
// it that holds answers back, the journal machine of package durable with every
// event that its real shell gives it, and the sessions of package reconcile,
// message by message, encoded and decoded. What package node does round them
// (gossip, anti-entropy, presence, opening a city, suspecting a clock) is written
// here again, as simply as its rules can be said, and so is what package store
// promises. A sabotage breaks a rule on purpose, by changing what the real code is
// told or what becomes of its effects, to see that the oracle notices.
//
// A seed decides all: how many cities and dispatchers, how bad the network and
// the clocks are, who crashes when. [Run] plays one seed: a time of faults,
// then a time without. All the while it compares each city with an oracle that
// has the rules of the state written down a second time; at the end all cities
// must hold the same, and package history judges what dispatchers were told. The
// same seed gives the same run, event by event, so a failure is replayed by
// its number. A long run has many such times, each with faults of its own, and is
// judged after each.
//
// It reads no clock, starts no goroutine, and uses no random source but the
// seed's; nothing depends on the order in which a map is walked.
package sim
