package wire

// field is a well-known field name, found once while a head is read.
type field uint8

const other field = 0
