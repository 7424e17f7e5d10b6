#!/bin/sh
# Each fuzz target on its corpus and some mutations of it; "make fuzz" has millions.
. tests/lib.sh

for target in "${BUILD:-build}"/fuzz/*; do
	name=${target##*/}
	case $name in *.*) continue ;; esac
	ok "fuzz target $name: runs on its corpus" env EXECUTIONS="${EXECUTIONS:-5000}" "$target" "tests/fuzz/corpus/$name"
done

done_testing
