#!/bin/sh
# pipelines/fetch with a server on the loopback that supports ranges: whole, resumed and damaged files.
. tests/lib.sh

command -v sha256sum >/dev/null || command -v shasum >/dev/null || skip_all 'no sha256sum here'
fetch=$PWD/pipelines/fetch

# A server of the files of a directory. It closes the connection after a third of the first answer for
# "cut", and does not support ranges for "plain".
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
		skip "fetch with $program: downloads files" "no $program here"
		continue
	fi
	tries=$((tries + 1))
	# A PATH with only one of the two programs.
	mkdir "$T/bin-$program" "$T/$program"
	for needed in sha256sum shasum cut tr mv rm cat sleep perl $program; do
		found=$(command -v "$needed") && ln -sf "$found" "$T/bin-$program/$needed"
	done
	cd "$T/$program" || exit 1
	get() {
		PATH=$T/bin-$program /bin/sh "$fetch" "$@"
	}
	ok "fetch with $program: downloads a file with a known hash" get "$url/whole" whole "$hash"
	ok "fetch with $program: the downloaded bytes are correct" cmp whole "$T/www/whole"
	ok "fetch with $program: leaves no other file" [ "$(echo *)" = whole ]

	head -c 100000 "$T/www/whole" >resumed.part
	ok "fetch with $program: resumes a partial download" get "$url/whole" resumed "$hash"
	ok "fetch with $program: the bytes of a resumed download are correct" cmp resumed "$T/www/whole"
	is "fetch with $program: requests only the rest of a partial download" "$(tail -n 1 "$T/www/log")" 'whole 100000'

	head -c 100000 "$T/www/whole" >plain.part
	ok "fetch with $program: downloads again if the server does not support ranges" get "$url/plain" plain "$(echo "$hash" | tr a-f A-F)"
	ok "fetch with $program: the bytes from a server without ranges are correct" cmp plain "$T/www/whole"

	head -c 5000 /dev/zero >wrong.part
	not_ok "fetch with $program: refuses a partial download with wrong bytes" get "$url/whole" wrong "$hash"
	ok "fetch with $program: wrong bytes are not stored under the name of the file" [ ! -e wrong ]
	ok "fetch with $program: the next attempt after wrong bytes succeeds" get "$url/whole" wrong "$hash"
	ok "fetch with $program: the bytes after a second attempt are correct" cmp wrong "$T/www/whole"

	ok "fetch with $program: downloads a file without a known hash" get "$url/whole" first
	is "fetch with $program: records the hash of the first download" "$(cut -d ' ' -f 1 first.sha256)" "$hash"
	rm first
	ok "fetch with $program: accepts a file with the recorded hash" get "$url/whole" first
	rm first
	echo 0000 >first.sha256
	not_ok "fetch with $program: refuses a file with another hash" get "$url/whole" first
	not_ok "fetch with $program: reports a missing page" get "$url/none" none
	ok "fetch with $program: a missing page leaves no file" [ ! -e none ]
	cp "$T/www/whole" late.new
	ok "fetch with $program: does not download a complete file again to verify it" get "$url/none" late "$hash"
	cd - >/dev/null || exit 1
done

if [ $tries -gt 0 ]; then
	cd "$T" || exit 1
	ok 'fetch: a broken download is completed by the same or the next command' \
		sh -c "'$fetch' '$url/cut' cut $hash || '$fetch' '$url/cut' cut $hash"
	ok 'fetch: a download continued after a broken connection is complete' cmp cut "$T/www/whole"
	cd - >/dev/null || exit 1
fi

done_testing
