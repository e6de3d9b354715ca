/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Files and folders of a simulated disk: what is seen, what is kept, what is between. */
#include <string.h>

#include "sim/alloc.h"
#include "sim/disk_parts.h"

enum { FIRST_ROOM = 8, BYTES_ROOM = 4096 };

/* --- contents --------------------------------------------------------------------- */

struct sim_bytes *
sim_bytes_new(void)
{
	struct sim_bytes *bytes = sim_take(sizeof(*bytes));

	bytes->refs = 1;
	return bytes;
}

struct sim_bytes *
sim_bytes_share(struct sim_bytes *bytes)
{
	bytes->refs++;
	return bytes;
}

void
sim_bytes_drop(struct sim_bytes **bytes)
{
	struct sim_bytes *old = *bytes;

	*bytes = NULL;
	if (old == NULL || --old->refs != 0)
		return;
	sim_drop(old->data);
	sim_drop(old);
}

/* One's own, with room for size bytes. */
static struct sim_bytes *
bytes_own(struct sim_bytes **bytes, size_t size)
{
	struct sim_bytes *old = *bytes, *own = old;
	size_t room = old->room == 0 ? BYTES_ROOM : old->room;

	while (room < size)
		room *= 2;
	if (old->refs != 1) {
		own = sim_bytes_new();
		own->data = sim_retake(NULL, room);
		own->room = room;
		own->size = old->size;
		if (old->size != 0)
			memcpy(own->data, old->data, old->size);
		sim_bytes_drop(bytes);
		*bytes = own;
	} else if (room != old->room) {
		own->data = sim_retake(own->data, room);
		own->room = room;
	}
	return own;
}

void
sim_bytes_write(struct sim_bytes **bytes, size_t offset, const void *data, size_t size)
{
	struct sim_bytes *own = bytes_own(bytes, offset + size);

	if (offset > own->size)
		memset(own->data + own->size, 0, offset - own->size);
	if (size != 0)
		memcpy(own->data + offset, data, size);
	if (offset + size > own->size)
		own->size = offset + size;
}

void
sim_bytes_resize(struct sim_bytes **bytes, size_t size)
{
	struct sim_bytes *own = bytes_own(bytes, size);

	if (size > own->size)
		memset(own->data + own->size, 0, size - own->size);
	own->size = size;
}

/* --- nodes ------------------------------------------------------------------------ */

struct sim_node *
sim_node_new(bool is_folder, unsigned mode)
{
	struct sim_node *node = sim_take(sizeof(*node));

	node->refs = 1;
	node->is_folder = is_folder;
	node->mode = mode;
	if (!is_folder) {
		node->seen = sim_bytes_new();
		node->kept = sim_bytes_new();
	}
	return node;
}

struct sim_node *
sim_node_hold(struct sim_node *node)
{
	node->refs++;
	return node;
}

void
sim_node_clear_pending(struct sim_node *node)
{
	for (size_t i = 0; i < node->naming_count; i++) {
		struct sim_naming *naming = &node->namings[i];

		sim_drop(naming->removed);
		sim_drop(naming->put);
		if (naming->node != NULL)
			sim_node_drop(&naming->node);
	}
	node->naming_count = 0;
	node->change_count = 0;
	node->pending_size = 0;
}

/* Folders hold no names of their own folders, so this ends. */
void
sim_node_drop(struct sim_node **node)
{
	struct sim_node *old = *node;

	*node = NULL;
	if (old == NULL || --old->refs != 0)
		return;
	sim_node_clear_pending(old);
	sim_names_clear(&old->names);
	sim_names_clear(&old->names_kept);
	sim_bytes_drop(&old->seen);
	sim_bytes_drop(&old->kept);
	sim_drop(old->changes);
	sim_drop(old->pending_bytes);
	sim_drop(old->namings);
	sim_drop(old);
}

static struct sim_change *
change_add(struct sim_node *node)
{
	if (node->change_count == node->change_room) {
		node->change_room = node->change_room == 0 ? FIRST_ROOM : 2 * node->change_room;
		node->changes =
		    sim_retake(node->changes, node->change_room * sizeof(*node->changes));
	}
	return &node->changes[node->change_count++];
}

void
sim_node_write(struct sim_node *node, size_t offset, const void *data, size_t size)
{
	struct sim_change *change;

	if (size == 0)
		return;
	change = change_add(node);
	*change = (struct sim_change){.offset = offset, .size = size, .at = node->pending_size};
	if (node->pending_size + size > node->pending_room) {
		if (node->pending_room == 0)
			node->pending_room = BYTES_ROOM;
		while (node->pending_room < node->pending_size + size)
			node->pending_room *= 2;
		node->pending_bytes = sim_retake(node->pending_bytes, node->pending_room);
	}
	memcpy(node->pending_bytes + node->pending_size, data, size);
	node->pending_size += size;
	sim_bytes_write(&node->seen, offset, data, size);
}

void
sim_node_resize(struct sim_node *node, size_t size)
{
	*change_add(node) = (struct sim_change){.truncates = true, .offset = size};
	sim_bytes_resize(&node->seen, size);
}

void
sim_node_keep(struct sim_node *node)
{
	for (size_t i = 0; i < node->naming_count; i++)
		sim_naming_apply(&node->names_kept, &node->namings[i]);
	for (size_t i = 0; i < node->change_count; i++) {
		const struct sim_change *change = &node->changes[i];

		if (change->truncates)
			sim_bytes_resize(&node->kept, change->offset);
		else
			sim_bytes_write(&node->kept, change->offset,
			    node->pending_bytes + change->at, change->size);
	}
	sim_node_clear_pending(node);
}

/* --- names ------------------------------------------------------------------------ */

static struct sim_name *
names_at(const struct sim_names *names, const char *text, size_t size)
{
	for (size_t i = 0; i < names->count; i++) {
		struct sim_name *name = &names->list[i];

		if (strncmp(name->text, text, size) == 0 && name->text[size] == '\0')
			return name;
	}
	return NULL;
}

struct sim_node *
sim_names_find(const struct sim_names *names, const char *text, size_t size)
{
	struct sim_name *name = names_at(names, text, size);

	return name == NULL ? NULL : name->node;
}

void
sim_names_remove(struct sim_names *names, const char *text)
{
	struct sim_name *name = names_at(names, text, strlen(text));

	if (name == NULL)
		return;
	sim_drop(name->text);
	sim_node_drop(&name->node);
	*name = names->list[--names->count];
}

void
sim_names_put(struct sim_names *names, const char *text, struct sim_node *node)
{
	struct sim_name *name = names_at(names, text, strlen(text));

	sim_node_hold(node);
	if (name != NULL) {
		sim_node_drop(&name->node);
		name->node = node;
		return;
	}
	if (names->count == names->room) {
		names->room = names->room == 0 ? FIRST_ROOM : 2 * names->room;
		names->list = sim_retake(names->list, names->room * sizeof(*names->list));
	}
	names->list[names->count++] =
	    (struct sim_name){.text = sim_take_text(text, strlen(text)), .node = node};
}

void
sim_names_clear(struct sim_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		sim_drop(names->list[i].text);
		sim_node_drop(&names->list[i].node);
	}
	sim_drop(names->list);
	*names = (struct sim_names){0};
}

void
sim_naming_apply(struct sim_names *names, const struct sim_naming *naming)
{
	if (naming->removed != NULL)
		sim_names_remove(names, naming->removed);
	if (naming->put != NULL)
		sim_names_put(names, naming->put, naming->node);
}

void
sim_node_name(
    struct sim_node *folder, const char *removed, const char *put, struct sim_node *node)
{
	struct sim_naming *naming;

	if (folder->naming_count == folder->naming_room) {
		folder->naming_room =
		    folder->naming_room == 0 ? FIRST_ROOM : 2 * folder->naming_room;
		folder->namings =
		    sim_retake(folder->namings, folder->naming_room * sizeof(*folder->namings));
	}
	naming = &folder->namings[folder->naming_count++];
	*naming = (struct sim_naming){
	    .removed = removed == NULL ? NULL : sim_take_text(removed, strlen(removed)),
	    .put = put == NULL ? NULL : sim_take_text(put, strlen(put)),
	    .node = node == NULL ? NULL : sim_node_hold(node)};
	sim_naming_apply(&folder->names, naming);
}
