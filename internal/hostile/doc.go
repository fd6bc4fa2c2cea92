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
// In the short form, make hostile-short, each attack lasts for seconds, the times are
// printed and not judged, and what must happen may take minutes, so that a machine that does
// other things at the same time changes nothing: that an attacker is limited, that honest
// calls are answered, that newcomers get in, that all cities hold the same in the end, how
// much memory they take and how many errors they log.
//
// # Files
//
// trial_test.go has what a trial is and what is asked of every one. city_test.go,
// attack_test.go and callers_test.go are the three parties, namespace_test.go is where
// they meet, short_test.go is the short form. Every other file is one attack, named after
// it.
package hostile
