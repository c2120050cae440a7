// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "term.h"
#include "vrctl.h"

static volatile sig_atomic_t stopped, resized;
static sigset_t wait_mask;
static struct termios saved;
static bool have_saved, full_screen, read_keys;

static void term_on_signal(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else
		stopped = 1;
}

/**
 * term_catch_signals() - end in order when told to
 *
 * The signals get through only in term_wait_until(), so that none is lost
 * between a test and a wait.
 */
void term_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	struct sigaction sa = { .sa_handler = term_on_signal };
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaddset(&block, signals[i]);
		sigaction(signals[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, &wait_mask);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigdelset(&wait_mask, signals[i]);
}

bool term_stopped(void)
{
	return stopped;
}

static void term_restore(void)
{
	if (full_screen) {
		fputs("\033[?25h\033[?1049l", stdout);
		fflush(stdout);
	}
	full_screen = false;
	if (have_saved)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/**
 * term_full_screen() - take the terminal until the program ends
 *
 * Return: false when stdout is none
 */
bool term_full_screen(void)
{
	const char *term = getenv("TERM");
	struct termios raw;

	if (!isatty(STDOUT_FILENO) || !term || !strcmp(term, "dumb"))
		return false;
	atexit(term_restore);
	if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &saved)) {
		have_saved = true;
		read_keys = true;
		raw = saved;
		raw.c_lflag &= ~(ICANON | ECHO);
		/* Stopped by ^Z, the shell would find this screen. */
		raw.c_cc[VSUSP] = _POSIX_VDISABLE;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	full_screen = true;
	fputs("\033[?1049h\033[?25l", stdout);
	return true;
}

void term_size(int *rows, int *cols)
{
	struct winsize ws;

	*rows = 24;
	*cols = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
}

/* A clock that nobody sets, ms. */
uint64_t term_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* Return: true for q */
static bool term_read_key(void)
{
	char key;

	if (read(STDIN_FILENO, &key, 1) != 1) {
		read_keys = false;
		return false;
	}
	return key == 'q' || key == 'Q';
}

/**
 * term_wait_until() - wait for a time, a key or a signal
 * @when_ms: until when, as term_now_ms() counts
 * @redraw: set when the terminal's size has changed; ends the wait
 *
 * Return: false when the user wants to end
 */
bool term_wait_until(uint64_t when_ms, bool *redraw)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec left;
	uint64_t now;

	*redraw = false;
	while (!stopped) {
		now = term_now_ms();
		left.tv_sec = now < when_ms ? (when_ms - now) / 1000 : 0;
		left.tv_nsec = now < when_ms ? (when_ms - now) % 1000 * 1000000 : 0;
		switch (ppoll(&pfd, read_keys ? 1 : 0, &left, &wait_mask)) {
		case 0:
			return true;
		case 1:
			if (term_read_key())
				return false;
		}
		if (resized) {
			resized = 0;
			*redraw = true;
			return true;
		}
	}
	return false;
}
