// Package names finds cities by name, and decides who has a name.
//
// The directory and the DHT give candidates; a candidate counts only once it has
// said itself that it is the city. Among strangers nobody is made to stop by what
// others claim. Where no strangers are, the older claim keeps a name.
package names
