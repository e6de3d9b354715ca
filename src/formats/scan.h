/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_SCAN_H
#define FORMATS_SCAN_H

#include "base/buffer.h"

#include "formats/records.h"
#include "formats/window.h"

/* What format_scan() and its readers share; nobody outside of formats/ includes it. */

DOM_MUST_CHECK enum dom_status format_scan_vcard(
    struct format_window *window, const struct format_sink *sink);
DOM_MUST_CHECK enum dom_status format_scan_icalendar(
    struct format_window *window, const struct format_sink *sink);
DOM_MUST_CHECK enum dom_status format_scan_sms_xml(
    struct format_window *window, const struct format_sink *sink);

DOM_MUST_CHECK enum dom_status format_tell(
    const struct format_sink *sink, uint64_t line, bool damaged, const char *what);

/*
 * Make what was gathered after the prefix fit FORMAT_KEY_SIZE_MAX: a longer
 * one becomes "<prefix><hex of its digest>".
 */
DOM_MUST_CHECK enum dom_status format_key_finish(struct dom_buffer *key, size_t prefix_size);

/* Between the parts of a key: no text has it. */
#define FORMAT_KEY_BREAK "\x1f"

#endif
