// Package health keeps what is wrong with the own city and with the others, and since
// when.
//
// It is shown all problems that there are now, again and again, by a function of its
// caller. What is new it tells once, and once when it is over; in between it only
// remembers. It promises that since when is a matter of the time that this process
// runs, which no wrong clock moves. What it remembers is bounded. It finds nothing out
// by itself, and asks no other city.
package health
