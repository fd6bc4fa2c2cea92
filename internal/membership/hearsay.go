package membership

// hearsayMax bounds the cities that are known only by what others pass on.
const hearsayMax = 256
