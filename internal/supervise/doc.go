// Package supervise keeps a fixed set of long-lived parts of a program
// running: a one_for_one supervisor with the restart intensity of Erlang/OTP.
//
// The children are started in order, each as soon as the one before it is
// ready. A [Child] that ends before it was told to stop has crashed, however it
// ended: by an error, by nil, by a panic or by [runtime.Goexit]. It alone is
// started again, at once; the others do not notice. A restart that fails is one
// more crash of that child.
//
// The supervisor keeps the times of the restarts of the last [Config.Period],
// over all children. When a crash would make them more than
// [Config.Intensity], the supervisor gives up: what crashes that often is not
// cured by starting it again, and whoever started the program has to decide.
// It then stops the children in the reverse of their start order, one after
// another, and returns an [IntensityError]. A child whose very first start
// fails ends it in the same way with a [StartError].
//
// The rule is the one of OTP's supervisor module (add_restart in
// supervisor.erl): a restart counts as long as it is at most one period old.
// OTP measures in whole seconds, this package exactly.
//
// The package never kills a goroutine, as nothing in Go can: a child that does
// not end within its [Child.StopTimeout] is abandoned, and named by a
// [StopError]. It restores no state, it waits with no back-off, and it logs
// nothing: an [Observer] is told what happens.
package supervise
