// Package wake has what goroutines wait on: a signal, a pause that ends with a
// context, and an interval with jitter.
//
// It promises that a signal is never lost and never blocks its sender. It starts
// no goroutine.
package wake
