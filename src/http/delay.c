/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "http/delay.h"

void
http_delay_message(struct http_delay *delay, int64_t waited_us)
{
	delay->waited_us += waited_us;
	delay->waits++;
}

/*
 * Who comes at any moment meets a turn as likely as it is long, and waits for
 * half of it: the squares of all over twice the while.
 */
bool
http_delay_turn(struct http_delay *delay, int64_t began_us, int64_t now_us, int64_t *mean_us_r)
{
	double spent_us = (double)(now_us - began_us);
	int64_t since_us = now_us - delay->since_us, of_messages_us;

	delay->squares += spent_us * spent_us;
	if (since_us < HTTP_DELAY_US)
		return false;
	*mean_us_r = (int64_t)(delay->squares / 2 / (double)since_us);
	of_messages_us = delay->waits == 0 ? 0 : delay->waited_us / delay->waits;
	if (*mean_us_r < of_messages_us)
		*mean_us_r = of_messages_us;
	*delay = (struct http_delay){.since_us = now_us};
	return true;
}
