#!/bin/sh
# pipelines/fetch against a server on the loopback that understands ranges: whole, resumed, damaged.
. tests/lib.sh

command -v sha256sum >/dev/null || command -v shasum >/dev/null || skip_all 'no sha256sum here'
fetch=$PWD/pipelines/fetch

# Serves the files of a directory, breaks off after a third of the first answer for "cut", and knows no
# ranges of "plain".
cat >"$T/server" <<'END'
use strict; use warnings; use IO::Socket::INET;
my ($dir) = @ARGV; my $cuts = 0; $| = 1;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5, ReuseAddr => 1) or exit 1;
print $s->sockport, "\n";
$SIG{PIPE} = 'IGNORE';
while (my $c = $s->accept) {
	my ($path, $from) = ('', undef);
	while (<$c>) {
		$path = $1 if m{^GET /(\w+)};
		$from = $1 if /^Range: *bytes=(\d+)-/i && $path ne 'plain';
		last if /^\r?$/;
	}
	my $data;
	if (open my $f, '<', "$dir/$path") { local $/; $data = <$f>; }
	if (!defined $data) { print $c "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; next; }
	my $size = length $data;
	print $c defined $from
	    ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes $from-" . ($size - 1) . "/$size\r\n"
	    : "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\n";
	$data = substr $data, $from if defined $from;
	print $c 'Content-Length: ' . length($data) . "\r\nConnection: close\r\n\r\n";
	$data = substr $data, 0, $size / 3 if $path eq 'cut' && !$cuts++;
	print $c $data;
	open my $log, '>>', "$dir/log"; print $log "$path ", $from // '-', "\n";
} continue { close $c; }
END
mkdir "$T/www"
head -c 300000 /dev/urandom >"$T/www/whole"
cp "$T/www/whole" "$T/www/cut"
cp "$T/www/whole" "$T/www/plain"
perl "$T/server" "$T/www" >"$T/port" 2>"$T/server.err" &
server=$!
trap 'kill $server; rm -rf "$T"' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -s "$T/port" ] || sleep 0.2
done
[ -s "$T/port" ] || skip_all 'no server on the loopback'
url=http://127.0.0.1:$(cat "$T/port")
if command -v sha256sum >/dev/null; then
	hash=$(sha256sum <"$T/www/whole" | cut -d ' ' -f 1)
else
	hash=$(shasum -a 256 <"$T/www/whole" | cut -d ' ' -f 1)
fi
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY

tries=0
for program in curl wget; do
	if ! command -v $program >/dev/null; then
		skip "with $program" "no $program here"
		continue
	fi
	tries=$((tries + 1))
	# A PATH with only this one of the two.
	mkdir "$T/bin-$program" "$T/$program"
	for needed in sha256sum shasum cut tr mv rm cat sleep perl $program; do
		found=$(command -v "$needed") && ln -sf "$found" "$T/bin-$program/$needed"
	done
	cd "$T/$program" || exit 1
	get() {
		PATH=$T/bin-$program /bin/sh "$fetch" "$@"
	}
	ok "$program: whole, with its hash" get "$url/whole" whole "$hash"
	ok "$program: the bytes are right" cmp whole "$T/www/whole"
	ok "$program: nothing else is left" [ "$(echo *)" = whole ]

	head -c 100000 "$T/www/whole" >resumed.part
	ok "$program: goes on from what is there" get "$url/whole" resumed "$hash"
	ok "$program: the bytes are right again" cmp resumed "$T/www/whole"
	is "$program: only the rest was asked for" "$(tail -n 1 "$T/www/log")" 'whole 100000'

	head -c 100000 "$T/www/whole" >plain.part
	ok "$program: begins anew where the server knows no ranges" get "$url/plain" plain "$(echo "$hash" | tr a-f A-F)"
	ok "$program: and is right" cmp plain "$T/www/whole"

	head -c 5000 /dev/zero >wrong.part
	not_ok "$program: a wrong beginning is noticed" get "$url/whole" wrong "$hash"
	ok "$program: it does not pass for the file" [ ! -e wrong ]
	ok "$program: the next try starts afresh" get "$url/whole" wrong "$hash"
	ok "$program: and is right" cmp wrong "$T/www/whole"

	ok "$program: without a hash, the first is recorded" get "$url/whole" first
	is "$program: the hash of it" "$(cut -d ' ' -f 1 first.sha256)" "$hash"
	rm first
	ok "$program: the same again agrees" get "$url/whole" first
	rm first
	echo 0000 >first.sha256
	not_ok "$program: another one does not" get "$url/whole" first
	not_ok "$program: no such page" get "$url/none" none
	ok "$program: leaves no such file" [ ! -e none ]
	cp "$T/www/whole" late.new
	ok "$program: whole but not yet verified: no second download" get "$url/none" late "$hash"
	cd - >/dev/null || exit 1
done

if [ $tries -gt 0 ]; then
	cd "$T" || exit 1
	ok 'a connection that breaks off: again, or one more command' \
		sh -c "'$fetch' '$url/cut' cut $hash || '$fetch' '$url/cut' cut $hash"
	ok 'fetch: a download continued after a broken connection is complete' cmp cut "$T/www/whole"
	cd - >/dev/null || exit 1
fi

done_testing
