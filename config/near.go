package config

import "strings"

// compareNames orders keys as Java's TreeMap does: capitals before small letters.
func compareNames(a, b string) int { return strings.Compare(a, b) }

// Near finds the key of the process that a name was probably meant to be: the
// same but for capitals, or with few wrong letters. It is empty when nothing is
// near.
func (p *Process) Near(name string) string {
	best, nearest := 1+min(3, len(name)/3), ""
	lower := strings.ToLower(name)
	for _, k := range p.Keys() {
		if d := distance(lower, strings.ToLower(k.Name), best); d < best {
			best, nearest = d, k.Name
		}
	}
	return nearest
}

// distance counts the bytes to insert, delete or replace to make b of a, and
// stops counting at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}
