#!/bin/sh
# No script gives shellcheck anything to say.
. tests/lib.sh

command -v shellcheck >/dev/null || skip_all 'no shellcheck here'

for script in .ci/* pipelines/* pipelines/slurm/* tests/*.t tests/lib.sh tests/arm tests/emulated tests/bench/* tests/fuzz/* tests/torture/*; do
	[ -f "$script" ] || continue
	case $(head -n 1 "$script" | tr -d '\0') in
	'#!/bin/sh' | '#!/bin/bash' | '#!/usr/bin/env bash' | '# shellcheck shell=sh')
		ok "$script" shellcheck -x "$script"
		;;
	esac
done

done_testing
