// Package storetest is what any store must do: one suite that all kinds of them
// run. It is for tests only.
package storetest
