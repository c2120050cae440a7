// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "out.h"

#define JSON_DEPTH	16

static struct {
	FILE *file;
	int depth;
	bool more[JSON_DEPTH];
	char close[JSON_DEPTH];
} json;

/**
 * json_start() - begin a JSON document
 * @file: where it goes
 */
void json_start(FILE *file)
{
	memset(&json, 0, sizeof(json));
	json.file = file;
}

/* Length of the UTF-8 sequence at s, 0 when it is none. */
static int json_utf8_len(const unsigned char *s)
{
	uint32_t c;
	int i, n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	c = s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

static void json_quote(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int n;

	putc('"', json.file);
	while (*s) {
		n = json_utf8_len(s);
		if (!n) {
			fputs("\\ufffd", json.file);
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\')
			fprintf(json.file, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(json.file, "\\u%04x", *s);
		else
			fwrite(s, 1, n, json.file);
		s += n;
	}
	putc('"', json.file);
}

static void json_key(const char *key)
{
	if (json.more[json.depth])
		putc(',', json.file);
	json.more[json.depth] = true;
	if (key) {
		json_quote(key);
		putc(':', json.file);
	}
}

/**
 * json_open() - begin an object or an array
 * @key: its name, or NULL
 * @bracket: '{' or '['
 */
void json_open(const char *key, char bracket)
{
	json_key(key);
	putc(bracket, json.file);
	if (json.depth < JSON_DEPTH - 1)
		json.depth++;
	json.close[json.depth] = bracket == '{' ? '}' : ']';
	json.more[json.depth] = false;
}

/** json_close() - end the innermost object or array */
void json_close(void)
{
	putc(json.close[json.depth], json.file);
	json.depth--;
}

/** json_end() - end the document with a newline, and send it off */
void json_end(void)
{
	putc('\n', json.file);
	fflush(json.file);
	json.more[0] = false;
}

void json_string(const char *key, const char *value)
{
	json_key(key);
	json_quote(value);
}

void json_u64(const char *key, uint64_t value)
{
	json_key(key);
	fprintf(json.file, "%llu", (unsigned long long)value);
}

void json_s64(const char *key, int64_t value)
{
	json_key(key);
	fprintf(json.file, "%lld", (long long)value);
}

/* JSON has no word for infinity. */
void json_fixed(const char *key, double value, int decimals)
{
	json_key(key);
	fprintf(json.file, "%.*f", decimals, isfinite(value) ? value : 0.0);
}

void json_true(const char *key)
{
	json_key(key);
	fputs("true", json.file);
}

/**
 * out_clean() - text without what could drive a terminal
 * @text: a device name, say: the kernel lets a tenant put escapes into it
 *
 * Return: one of four buffers that are used in turn.
 */
const char *out_clean(const char *text)
{
	static char buf[4][256];
	static unsigned int next;
	char *out = buf[next++ % 4];

	snprintf(out, sizeof(buf[0]), "%s", text);
	out_clean_line(out);
	return out;
}

/**
 * out_clean_line() - the same in place
 * @line: text; what is not printable ASCII becomes '?', a newline a space
 */
void out_clean_line(char *line)
{
	for (; *line; line++) {
		if (*line == '\n')
			*line = ' ';
		else if (*line < 0x20 || *line > 0x7e)
			*line = '?';
	}
}

/**
 * out_ns() - a time with three digits and its unit
 * @buf: where to write
 * @size: of @buf, bytes
 * @ns: the time, ns
 *
 * Return: @buf
 */
const char *out_ns(char *buf, size_t size, uint64_t ns)
{
	static const char * const unit[] = { "ns", "us", "ms", "s" };
	double v = ns;
	int i;

	for (i = 0; i < 3 && v >= 999.5; i++)
		v /= 1000;
	snprintf(buf, size, "%.*f %s", i == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2,
		 v, unit[i]);
	return buf;
}

/**
 * out_count() - a number in five characters at most
 * @buf: where to write
 * @size: of @buf, bytes
 * @count: the number
 *
 * Return: @buf
 */
const char *out_count(char *buf, size_t size, double count)
{
	static const char unit[] = " kMGTPE";
	int i;

	if (count < 9999.5) {
		snprintf(buf, size, "%.0f", count);
		return buf;
	}
	for (i = 0; i < 6 && count >= 999.5; i++)
		count /= 1000;
	snprintf(buf, size, "%.*f%c", count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2,
		 count, unit[i]);
	return buf;
}
