package compat

import (
	"bytes"
	"math"
	"strconv"
)

// AppendFloat appends a number of 32 or 64 bits as Java's Float.toString or
// Double.toString does: always with a point, and with an exponent below 10^-3
// and from 10^7 on. What is no number becomes null, as fastjson writes it.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	at := len(dst)
	if abs := math.Abs(f); abs == 0 || abs >= 1e-3 && abs < 1e7 {
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		if bytes.IndexByte(dst[at:], '.') < 0 {
			dst = append(dst, '.', '0')
		}
		return dst
	}
	text := strconv.AppendFloat(nil, f, 'e', -1, bits)
	mantissa, power, _ := bytes.Cut(text, []byte("e"))
	dst = append(dst, mantissa...)
	if bytes.IndexByte(mantissa, '.') < 0 {
		dst = append(dst, '.', '0')
	}
	dst = append(dst, 'E')
	if power[0] == '-' {
		dst = append(dst, '-')
	}
	return append(dst, bytes.TrimLeft(power, "+-0")...)
}
