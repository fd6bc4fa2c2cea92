// Package detection decides which peers live, as a pure machine: it is told what happened
// and at what time, and answers with what is to be done. It has no clock, no goroutine, no
// lock and no network.
//
// A peer is judged by this machine's own questions alone. Each second it asks the peer
// after itself on a ring, and now and then another. A peer that leaves a question
// unanswered is suspect; it is failed after three seconds more without a sign of life, or
// once its address has refused a connection twice. What others say of a peer is a reason
// to ask it, and never changes its status.
//
// A machine that was itself held up judges nobody by the time that it lost, and one that
// hears from nobody takes itself for the one that is cut off: it asks all and tells nobody.
// All that a peer can make it remember, ask or say is bounded.
package detection
