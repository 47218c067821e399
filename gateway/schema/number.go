package schema

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// numberRules are the keywords for numbers.
type numberRules struct {
	minimum, maximum *bound
	above, below     *bound // exclusive ones
	multipleOf       *bound
}

// bound is a number of a schema, and as it was written.
type bound struct {
	decimal
	text string
}

// decimal is an exact number: 0.digits × 10^exponent. Digits has no zeros at
// either end; it is empty for 0.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

// Bounds of the numbers that are compared.
const (
	maxDigits   = 400
	maxExponent = 1_000_000
)

// parseDecimal reads a number of JSON; ok is false where it is beyond what is
// compared.
func parseDecimal(text string) (d decimal, ok bool) {
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, power := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, power = text[:i], text[i+1:]
	}
	if len(mantissa) > maxDigits {
		return d, false
	}
	if power != "" {
		n, err := strconv.ParseInt(power, 10, 64)
		if err != nil || n > maxExponent || n < -maxExponent {
			return d, false
		}
		d.exponent = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exponent += int64(len(whole))
	d.digits = whole + fraction
	kept := strings.TrimLeft(d.digits, "0")
	d.exponent -= int64(len(d.digits) - len(kept))
	d.digits = strings.TrimRight(kept, "0")
	if d.digits == "" {
		d = decimal{}
	}
	return d, true
}

// whole reports whether d is an integer.
func (d decimal) whole() bool { return d.exponent >= int64(len(d.digits)) }

// compare is negative when d is below e, and 0 when they are equal.
func (d decimal) compare(e decimal) int {
	switch {
	case d.sign() != e.sign():
		return d.sign() - e.sign()
	case d.exponent != e.exponent && (d.exponent < e.exponent) != d.negative:
		return -1
	case d.exponent != e.exponent:
		return 1
	case d.negative:
		return strings.Compare(e.digits, d.digits)
	}
	return strings.Compare(d.digits, e.digits)
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// isMultipleOf reports whether d is an integer times e, which is above 0.
func (d decimal) isMultipleOf(e decimal) bool {
	if d.digits == "" {
		return true
	}
	value, _ := new(big.Int).SetString(d.digits, 10)
	unit, _ := new(big.Int).SetString(e.digits, 10)
	shift := (d.exponent - int64(len(d.digits))) - (e.exponent - int64(len(e.digits)))
	if shift < -2*maxDigits {
		return false // the last digit lies far below the unit's
	}
	ten := big.NewInt(10)
	if shift < 0 {
		unit.Mul(unit, new(big.Int).Exp(ten, big.NewInt(-shift), nil))
		shift = 0
	}
	value.Mul(value, new(big.Int).Exp(ten, big.NewInt(shift), unit))
	return value.Mod(value, unit).Sign() == 0
}

func (c *Check) numeric(s *Schema, v json.Number) bool {
	r := &s.number
	if *r == (numberRules{}) {
		return true
	}
	if !c.spend(1 + len(v)/16) {
		return false
	}
	n, ok := parseDecimal(string(v))
	switch {
	case !ok:
		return c.fault("is a number beyond those that can be compared")
	case r.minimum != nil && n.compare(r.minimum.decimal) < 0:
		return c.fault("must be at least " + r.minimum.text)
	case r.above != nil && n.compare(r.above.decimal) <= 0:
		return c.fault("must be above " + r.above.text)
	case r.maximum != nil && n.compare(r.maximum.decimal) > 0:
		return c.fault("must be at most " + r.maximum.text)
	case r.below != nil && n.compare(r.below.decimal) >= 0:
		return c.fault("must be below " + r.below.text)
	case r.multipleOf != nil && !(c.spend(16) && n.isMultipleOf(r.multipleOf.decimal)):
		return c.fault("must be a multiple of " + r.multipleOf.text)
	}
	return true
}
