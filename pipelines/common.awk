# Functions for all awk programs: input lines, words, logarithms, random numbers. The awk is portable:
# integers stay below 2^53, and awk's own random numbers and logarithms are not used.

# plain - the story in a line of JSON as generate writes it; other lines unchanged, without a final
# CR
function plain(line) {
	sub(/\r$/, "", line)
	if (sub(/^[{] *"[a-z]+" *: *"/, "", line))
		sub(/" *[}] *$/, "", line)
	return line
}

# split_words - split a story into words w[1...]; a punctuation mark is a word. Returns the number.
function split_words(line, w) {
	line = plain(line)
	gsub(/[!-\/:-@\[-`{-~]/, " & ", line)
	return split(line, w, " ")
}

# logarithm - ln x for x > 0, from its series about 1: not every awk has a logarithm, and this one
# is the same in all
function logarithm(x,    halvings, z, power, k, sum) {
	if (x < 1)
		return -logarithm(1 / x)
	for (z = x; z > 1.4; z /= 2)
		halvings++
	power = z = (z - 1) / (z + 1)
	for (k = 1; k < 24; k += 2) {
		sum += 2 * power / k
		power *= z * z
	}
	return sum + halvings * 0.69314718055994530942
}

# ---- random numbers: L'Ecuyer's combined generator (CACM 31, 1988), whose products stay below 2^47

function seed_with(s,    i) {
	s1 = 1 + s % 2147483562
	s2 = 1 + s * 40692 % 2147483398
	for (i = 0; i < 20; i++)
		uniform()
}

function uniform() {
	s1 = s1 * 40014 % 2147483563
	s2 = s2 * 40692 % 2147483399
	return (s1 + 2147483563 - s2) % 2147483563 / 2147483563
}
