// Package names finds cities by name, and decides who has a name.
//
// The directory and the DHT give candidates; a candidate counts only once it has
// said itself that it is the city. A city that never had its name does not start where
// another holder shows itself before anybody was told the name. Nobody who runs is made to
// stop by what others claim: the name is then contested, which is shown, logged and
// counted.
package names
