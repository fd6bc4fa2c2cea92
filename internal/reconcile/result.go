package reconcile

// Result is what a session came to, so far.
type Result struct {
	// Peer is the other side as it was when the session began.
	Peer Hello
	// Complete says that each side holds what the other held when the session
	// began, but for the skipped heroes. It is never set after a partial one.
	Complete bool
	// Differed counts the entries that one side lacked and now holds; of an ID
	// that the sides knew in two versions the winning one counts, once. It is
	// exact unless the states changed meanwhile.
	Differed uint64
	// Skipped counts the heroes that one side left out for their future
	// stamps.
	Skipped uint64
	// EntriesIn and EntriesOut count the entries received and sent,
	// MessagesIn and MessagesOut the messages.
	EntriesIn, EntriesOut   uint64
	MessagesIn, MessagesOut uint64
}
