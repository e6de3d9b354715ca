/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_GROUP_DRAFT_H
#define DAEMON_GROUP_DRAFT_H

#include "base/arena.h"
#include "base/buffer.h"

#include "wire/group.h"

/*
 * The draft of a group file, as text that people edit and review:
 *
 *   name = Our family
 *
 *   [sg]
 *   key = 64 hex digits        (domicilectl region key)
 *   country = SG
 *   address = https://sg.example.net
 *   address = ..               up to eight
 *   takes = yes                accounts of other regions
 *   lets = yes                 its accounts move away
 *   grace = 1-30               days that a source keeps its copy
 */

/*
 * All of a group but key, version and time; regions are put in order.  On
 * anything but DOM_OK what is wrong was printed to standard error, with lines.
 */
DOM_MUST_CHECK enum dom_status group_draft_read(
    const char *path, struct dom_arena *arena, struct wire_group *group_r);
/* The text of a draft that says the same, appended. */
void group_draft_print(struct dom_buffer *text, const struct wire_group *group);
/*
 * Set one key of a region's section.  False: *why_r says what is wrong with
 * the value, or that there is no such key.  Borrows key and value.
 */
bool group_draft_set(struct wire_group_region *region, struct dom_arena *arena, const char *key,
    const char *value, const char **why_r);
/* Why a value cannot stand in a draft, where it would be read as something else; or NULL. */
const char *group_draft_fault(const char *value);

#endif
