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
)

// method is what the wire knows of a method.
type method struct {
	// order is whether it writes to the state; see [IsOrder].
	order bool
	// request is the form of the request's body, reply that of the responses'
	// bodies; nil: they have none.
	request, reply *form
}

// methods is the one table of methods. A new one needs a line here, its types in
// messages.go, a call in client_calls.go, and its answer in a handler.
var methods = map[string]method{
	MethodGet:    {request: messageForm[GetRequest](), reply: messageForm[GetPage]()},
	MethodCreate: {order: true, request: messageForm[CreateRequest](), reply: messageForm[HeroReply]()},
	MethodAssign: {order: true, request: messageForm[AssignRequest](), reply: messageForm[HeroReply]()},
	MethodRetire: {order: true, request: messageForm[RetireRequest](), reply: messageForm[RetireReply]()},
	MethodUpdate: {order: true, request: messageForm[UpdateRequest](), reply: messageForm[UpdateReply]()},
	MethodWatch:  {request: messageForm[WatchRequest](), reply: messageForm[GetPage]()},
	MethodInfo:   {reply: messageForm[InfoReply]()},
	MethodLookup: {request: messageForm[LookupRequest](), reply: messageForm[LookupReply]()},
	MethodCities: {reply: messageForm[CitiesPage]()},
	MethodSettle: {reply: messageForm[SettleLine]()},
	MethodBomb:   {},
}

// IsOrder reports whether a method writes to the state. A city that is about to
// stop lets the orders end that it has begun, and begins no new ones.
func IsOrder(name string) bool { return methods[name].order }
