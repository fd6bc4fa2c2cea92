package protocol

// The methods of the call protocol.
const (
	MethodGet    = "get"
	MethodCreate = "create"
	MethodAssign = "assign"
	MethodRetire = "retire"
	MethodUpdate = "update"
	MethodWatch  = "watch"
	MethodInfo   = "info"
	MethodLookup = "lookup"
	MethodCities = "cities"
	MethodSettle = "settle"
	MethodBomb   = "bomb"
	MethodLog    = "log"

	MethodProblems = "problems"
	MethodForget   = "forget"
	MethodExport   = "export"
)

// method is what the wire knows of a method.
type method struct {
	// order is whether it writes to the state; see [IsOrder].
	order bool
	// request is the schema of the request's body, reply that of the responses'
	// bodies; nil: they have none.
	request, reply *schema
}

// methods is the one table of methods. A new one needs a line here, its types in
// messages.go, a call in client_calls.go, and its answer in a handler.
var methods = map[string]method{
	MethodGet:    {request: messageSchema[GetRequest](), reply: messageSchema[GetReply]()},
	MethodCreate: {order: true, request: messageSchema[CreateRequest](), reply: messageSchema[HeroReply]()},
	MethodAssign: {order: true, request: messageSchema[AssignRequest](), reply: messageSchema[HeroReply]()},
	MethodRetire: {order: true, request: messageSchema[RetireRequest](), reply: messageSchema[RetireReply]()},
	MethodUpdate: {order: true, request: messageSchema[UpdateRequest](), reply: messageSchema[UpdateReply]()},
	MethodWatch:  {request: messageSchema[WatchRequest](), reply: messageSchema[GetReply]()},
	MethodInfo:   {reply: messageSchema[InfoReply]()},
	MethodLookup: {request: messageSchema[LookupRequest](), reply: messageSchema[LookupReply]()},
	MethodCities: {reply: messageSchema[CitiesReply]()},
	MethodSettle: {reply: messageSchema[SettleLine]()},
	MethodBomb:   {},
	MethodLog:    {request: messageSchema[LogRequest](), reply: messageSchema[LogReply]()},

	MethodProblems: {reply: messageSchema[ProblemsReply]()},
	MethodForget:   {request: messageSchema[ForgetRequest](), reply: messageSchema[ForgetReply]()},
	MethodExport:   {reply: messageSchema[ExportReply]()},
}

// IsOrder reports whether a method writes to the state. A city that is about to
// stop lets the orders end that it has begun, and begins no new ones.
func IsOrder(name string) bool { return methods[name].order }
