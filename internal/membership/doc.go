// Package membership knows which cities there are: it tells the others of this city,
// listens to what they say of themselves, and asks them.
//
// What a presence says, or what a connection means, is a hint. An entry of the
// [Directory] is made only of a city that has answered info itself, on a connection
// that proves its peer ID. A city is failed only once it was asked and did not
// answer. What is remembered of other cities is bounded, whatever they send.
package membership
