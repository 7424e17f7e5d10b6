# Prints short names of the files in $MODELS, which are separated by blanks: what tells their paths
# apart, one per line. Directories at the beginning and parts at the end that all have are left out.

# suffix_free - the name of a file without its suffix
function suffix_free(name) {
	sub(/\.[^.\/]*$/, "", name)
	return name
}

# alike - whether the part i of all paths is the same, counted from the first or, with back, the last
function alike(i, back,    k, word) {
	for (k = 1; k <= n; k++) {
		if (i > parts[k])
			return 0
		word = part[k, back ? parts[k] + 1 - i : i]
		if (word != part[1, back ? parts[1] + 1 - i : i])
			return 0
	}
	return 1
}

BEGIN {
	n = split(ENVIRON["MODELS"], path, " ")
	least = 1e9
	for (k = 1; k <= n; k++) {
		parts[k] = split(suffix_free(path[k]), p, "/")
		least = parts[k] < least ? parts[k] : least
		for (i = 1; i <= parts[k]; i++)
			part[k, i] = p[i]
	}
	if (n == 1)
		print path[1]
	for (first = 1; n > 1 && first < least && alike(first, 0); first++)
		;
	for (last = 0; n > 1 && first + last < least && alike(last + 1, 1); last++)
		;
	for (k = 1; n > 1 && k <= n; k++) {
		name = part[k, first]
		for (i = first + 1; i <= parts[k] - last; i++)
			name = name "/" part[k, i]
		print name
	}
}
