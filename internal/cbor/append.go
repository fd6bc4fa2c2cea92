package cbor

import "encoding/binary"

// AppendHead appends a head in its shortest form.
func AppendHead(dst []byte, m Major, arg uint64) []byte {
	first := byte(m)
	switch HeadSize(arg) {
	case 1:
		return append(dst, first|byte(arg))
	case 2:
		return append(dst, first|infoOneByte, byte(arg))
	case 3:
		return binary.BigEndian.AppendUint16(append(dst, first|infoTwoBytes), uint16(arg))
	case 5:
		return binary.BigEndian.AppendUint32(append(dst, first|infoFourBytes), uint32(arg))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first|infoEightBytes), arg)
	}
}

// AppendUint appends an unsigned integer.
func AppendUint(dst []byte, n uint64) []byte { return AppendHead(dst, Uint, n) }

// AppendBytes appends a byte string.
func AppendBytes(dst, b []byte) []byte { return append(AppendHead(dst, Bytes, uint64(len(b))), b...) }

// AppendText appends a text string, which must be UTF-8. It does not look: who took the
// text in has checked it.
func AppendText(dst []byte, s string) []byte {
	return append(AppendHead(dst, Text, uint64(len(s))), s...)
}

// AppendBool appends false or true.
func AppendBool(dst []byte, b bool) []byte { return append(dst, Bool(b)) }

// Bool returns the one byte that false or true is encoded as.
func Bool(b bool) byte {
	if b {
		return True
	}
	return False
}
