#include "formats/signature.h"

#include <string.h>
#include <strings.h>

#include "formats/shard.h"

/* expression: a pandas.DataFrame of the rows of FILE */
#define PANDAS(module, expression)                                                                 \
	"convert it: python3 -c 'import " module "; print(" expression                             \
	".to_json(orient=\"records\", lines=True))' | tok ..."

#define CSV_TO_JSON(delimiter)                                                                     \
	"convert it: python3 -c 'import csv, json; [print(json.dumps(r)) for r in "                \
	"csv.DictReader(open(\"FILE\")" delimiter ")]' | tok --field COLUMN ..."

/* The first entry that fits counts. */
static const struct {
	size_t at; /* offset of the magic bytes */
	const char *magic;
	size_t n;
	const char *what, *advice;
} signatures[] = {
#define MAGIC(at, bytes, what, advice)                                                             \
	{                                                                                          \
		at, bytes, sizeof bytes - 1, what, advice                                          \
	}
    MAGIC(0, "\x1F\x8B", /* RFC 1952, 2.3.1 */
        "is compressed with gzip", "decompress it: gzip -dc FILE | tok ..."),
    MAGIC(0,
        "\xFD"
        "7zXZ",
        "is compressed with xz", "decompress it: xz -dc FILE | tok ..."),
    MAGIC(4, "1AY&SY", "is compressed with bzip2", "decompress it: bzip2 -dc FILE | tok ..."),
    MAGIC(0, "\x04\x22\x4D\x18", "is compressed with lz4", "decompress it: lz4 -dc FILE | tok ..."),
    MAGIC(0, "PK\3\4", "is a zip archive, or a document of an office program",
        "unzip -p FILE | tok ..., or pandoc -t plain FILE | tok --text ..."),
    MAGIC(0, "7z\xBC\xAF\x27\x1C", "is a 7z archive", "unpack it: 7z x -so FILE | tok ..."),
    MAGIC(257, "ustar", "is a tar archive", "unpack it: tar -xOf FILE | tok ..."),
    MAGIC(0, "PAR1", "is a parquet file", PANDAS("pandas", "pandas.read_parquet(\"FILE\")")),
    MAGIC(0, "ARROW1", "is an Arrow file", PANDAS("pandas", "pandas.read_feather(\"FILE\")")),
    MAGIC(0, "\xFF\xFF\xFF\xFF", "is an Arrow stream, as in the cache of Hugging Face datasets",
        PANDAS("pyarrow", "pyarrow.ipc.open_stream(\"FILE\").read_pandas()")),
    MAGIC(0, "SQLite format 3", "is an SQLite database",
        "sqlite3 -json FILE 'SELECT text FROM table' | tok ..."),
    MAGIC(0, "%PDF-", "is a PDF", "extract its text: pdftotext FILE - | tok --text ..."),
    MAGIC(0, "%!PS", "is PostScript", "extract its text: ps2ascii FILE | tok --text ..."),
    MAGIC(0, "{\\rtf", "is RTF", "extract its text: unrtf --text FILE | tok --text ..."),
    MAGIC(0, "\xD0\xCF\x11\xE0", "is an old document of an office program",
        "extract its text: catdoc FILE | tok --text ..."),
    MAGIC(0, "version https://git-lfs.github.com/", "is a pointer of Git LFS, not the data",
        "git lfs pull, in its repository, downloads the data"),
    MAGIC(0, "\xFF\xFE\0\0", "is UTF-32", "convert it: iconv -f UTF-32 -t UTF-8 FILE | tok ..."),
    MAGIC(0, "\0\0\xFE\xFF", "is UTF-32", "convert it: iconv -f UTF-32 -t UTF-8 FILE | tok ..."),
    MAGIC(0, "\x89PNG\r\n", "is a picture", "tok reads text"),
    MAGIC(0, "\xFF\xD8\xFF", "is a picture", "tok reads text"),
    MAGIC(0,
        "\x7F"
        "ELF",
        "is a program", "tok reads text"),
#undef MAGIC
};

/* Whether p looks like UTF-16 without a byte order mark: of its first bytes, those at first, first
 * + 2, ... are NUL, and no others. */
static bool has_half_nul(const unsigned char *p, size_t n, size_t first)
{
	enum { LOOK = 16 };

	if (n < LOOK)
		return false;
	for (size_t i = 0; i < LOOK; i++)
		if ((p[i] == 0) != (i % 2 == first))
			return false;
	return true;
}

int signature_refuse(const unsigned char *p, size_t n, const char *name, struct err *e)
{
	if (shard_begins(p, n))
		return err_set(
		    e, "%s: is a shard of token ids, not text; tok -d makes text of it", name);
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
		if (n >= signatures[i].at + signatures[i].n &&
		    !memcmp(p + signatures[i].at, signatures[i].magic, signatures[i].n))
			return err_set(
			    e, "%s: %s; %s", name, signatures[i].what, signatures[i].advice);
	for (size_t i = 0; i < 2; i++)
		if (has_half_nul(p, n, i))
			return err_set(e,
			    "%s: is UTF-16 without a byte order mark; convert it: iconv -f "
			    "UTF-16%s -t UTF-8 FILE | tok ...",
			    name, i ? "LE" : "BE");
	return 0;
}

/* RFC 8878, 3.1: a frame, or a skippable frame, which some compressors put before it. */
bool signature_is_zstd(const unsigned char *p, size_t n)
{
	return n >= 4 && (!memcmp(p, "\x28\xB5\x2F\xFD", 4) ||
	                     ((p[0] & 0xF0) == 0x50 && !memcmp(p + 1, "\x2A\x4D\x18", 3)));
}

/* --- text --- */

static const char *skip_white(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || (*s >= '\t' && *s <= '\r')))
		s++;
	return s;
}

static bool begins(const char *s, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - s) >= n && !strncasecmp(s, with, n);
}

/* Whether s [n] may be the name of a column: a few letters, digits, '_', '-', '.' and single blanks
 * between them, perhaps in quotes. */
static bool is_column(const char *s, size_t n)
{
	enum { LONGEST = 40 };

	if (n >= 2 && *s == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	if (n == 0 || n > LONGEST || *s == ' ' || s[n - 1] == ' ' || s[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z') ||
		        (s[i] && strchr("_-. ", s[i]))))
			return false;
	return true;
}

/* Whether the line s [n] is the header of a table: names of columns with separators between them,
 * or the name of the one column of texts. */
static bool is_header(const char *s, size_t n, char separator)
{
	const char *end = s + n, *next;
	int columns = 0;

	for (;; s = next + 1, columns++) {
		next = memchr(s, separator, (size_t)(end - s));
		if (!is_column(s, (size_t)((next ? next : end) - s)))
			return false;
		if (!next)
			break;
	}
	return columns > 0 || (end - s == 4 && !memcmp(s, "text", 4)) ||
	       (end - s == 5 && !memcmp(s, "story", 5));
}

const char *signature_of_text(const char *text, size_t n, bool json)
{
	const char *end = text + n, *s = skip_white(text, end);
	const char *stop = memchr(s, '\n', (size_t)(end - s));
	size_t line;

	stop = stop ? stop : end;
	line = (size_t)(stop - s) - (stop > s && stop[-1] == '\r');
	if (begins(s, end, "<!doctype html") || begins(s, end, "<html"))
		return "looks like HTML; extract its text: w3m -dump -T text/html FILE | tok "
		       "--text ...";
	if (begins(s, end, "<?xml"))
		return "looks like XML; remove its tags: sed 's/<[^>]*>//g' FILE | tok --text ...";
	if (is_header(s, line, ','))
		return "looks like CSV; " CSV_TO_JSON("");
	if (is_header(s, line, '\t'))
		return "looks like TSV; " CSV_TO_JSON(", delimiter=\"\\t\"");
	if (!json &&
	    ((begins(s, end, "{\"") && line > 0 && s[line - 1] == '}') || begins(s, end, "[{\"")))
		return "looks like JSON, which tok reads without --lines and --text";
	return NULL;
}
