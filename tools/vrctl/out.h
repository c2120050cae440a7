/* SPDX-License-Identifier: GPL-2.0 */
/* JSON writer, and text that is safe to show on a terminal. */
#ifndef VRCTL_OUT_H
#define VRCTL_OUT_H

#include <stdint.h>
#include <stdio.h>

/* key is NULL inside arrays and at the top. */
void json_start(FILE *file);
void json_open(const char *key, char bracket);
void json_close(void);
void json_end(void);
void json_string(const char *key, const char *value);
void json_u64(const char *key, uint64_t value);
void json_s64(const char *key, int64_t value);
void json_fixed(const char *key, double value, int decimals);
void json_true(const char *key);

const char *out_clean(const char *text);
void out_clean_line(char *line);
const char *out_ns(char *buf, size_t size, uint64_t ns);
const char *out_count(char *buf, size_t size, double count);

#endif
