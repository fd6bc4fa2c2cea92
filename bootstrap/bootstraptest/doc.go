// Package bootstraptest is a network of real QUIC hosts in virtual time, for
// tests within a testing/synctest bubble. Its packets take a fixed time, and it
// can be cut between two sides.
package bootstraptest
