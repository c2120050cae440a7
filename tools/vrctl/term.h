/* SPDX-License-Identifier: GPL-2.0 */
/* Terminal and signals, for the commands that go on until stopped. */
#ifndef VRCTL_TERM_H
#define VRCTL_TERM_H

#include <stdbool.h>
#include <stdint.h>

void term_catch_signals(void);
bool term_stopped(void);
bool term_full_screen(void);
void term_size(int *rows, int *cols);
bool term_wait_until(uint64_t when_ms, bool *redraw);
uint64_t term_now_ms(void);

#endif
