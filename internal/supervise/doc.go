// Package supervise keeps a fixed set of long-lived parts of a program
// running: a one_for_one supervisor with the restart intensity of Erlang/OTP.
//
// The supervisor starts the children in order, each as soon as the one before it is
// ready. A [Child] that ends before it was told to stop has crashed, whether it
// ended by an error, by nil, by a panic or by [runtime.Goexit]. The supervisor
// starts this child again at once. The others do not notice. A restart that fails
// is one more crash of that child.
//
// The supervisor keeps the times of the restarts of the last [Config.Period], over
// all children. It gives up when a crash would need more restarts than
// [Config.Intensity]: a restart does not cure what crashes that often, and whoever
// started the program has to decide. It then stops the children in the reverse of
// their start order, one after another, and returns an [IntensityError]. If the
// first start of a child fails, it does the same and returns a [StartError].
//
// The rule is the one of OTP's supervisor module (add_restart in
// supervisor.erl): a restart counts as long as it is at most one period old.
// OTP measures in whole seconds, this package exactly.
//
// Nothing in Go can kill a goroutine, so a child that does not end within its
// [Child.StopTimeout] is abandoned and named by a [StopError], which has the stacks of its
// goroutines. A [Closing] does the same for parts that are closed rather than stopped. So
// a program ends, whatever hangs. The package restores
// no state, waits with no back-off, and logs nothing: an [Observer] is told what
// happens.
package supervise
