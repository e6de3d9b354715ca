/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A chain of (before, after) pairs, walked as far as it holds. */
#include "client/position.h"

#include <string.h>

static bool
copy_token(char text_r[DOM_POSITION_TEXT_MAX + 1], const char *token, size_t size)
{
	if (size == 0 || size > DOM_POSITION_TEXT_MAX)
		return false;
	memcpy(text_r, token, size);
	text_r[size] = '\0';
	return true;
}

void
dom_position_set(struct dom_position *position, const char *header)
{
	size_t size = strcspn(header, " ");

	position->edge_count = 0;
	if (header[size] != '\0' || !copy_token(position->at, header, size))
		position->at[0] = '\0';
}

static bool
walk(struct dom_position *position)
{
	bool moved = false;

	for (size_t i = 0; i < position->edge_count;) {
		struct dom_position_edge *edge = &position->edges[i];

		if (strcmp(edge->before, position->at) != 0) {
			i++;
			continue;
		}
		memcpy(position->at, edge->after, sizeof(position->at));
		*edge = position->edges[--position->edge_count];
		moved = true;
		i = 0;
	}
	return moved;
}

bool
dom_position_wrote(struct dom_position *position, const char *header)
{
	size_t before_size = strcspn(header, " ");
	struct dom_position_edge *edge;
	const char *after;

	if (position->at[0] == '\0' || header[before_size] != ' ')
		return false;
	after = header + before_size + 1;
	/* A gap that never closes fills the set: then nothing more can move us. */
	if (position->edge_count == DOM_POSITION_EDGES_MAX || strchr(after, ' ') != NULL)
		return false;
	edge = &position->edges[position->edge_count];
	if (!copy_token(edge->before, header, before_size) ||
	    !copy_token(edge->after, after, strlen(after)) ||
	    strcmp(edge->before, edge->after) == 0)
		return false;
	position->edge_count++;
	return walk(position);
}
