// Package hostile has the attackers that a network of strangers must expect, as tests.
//
// Three cities run as processes of their own, with real hosts on real sockets. Honest
// callers call them all the time. An attack is another process, of the lowest priority:
// it has no processor of its own to burn, so what it takes from the callers it takes by
// what the cities do for it. Each test states what the cities must keep doing while they
// are attacked and after it, and what becomes of the attacker.
//
// All of it runs in a network namespace made for it, whose loopback device has private
// and public addresses, so nothing leaves the machine. The tests take minutes and need
// root, so they run only where the environment has CITYNODE_HOSTILE=1, as make hostile
// sets it, and are skipped elsewhere. There is nothing to import here.
//
// # Files
//
// trial_test.go has what a trial is and what is asked of every one. city_test.go,
// attack_test.go and callers_test.go are the three parties, namespace_test.go is where
// they meet. Every other file is one attack, named after it.
package hostile
