/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SHARING_H
#define SHARING_H

#include "wire/share.h"

#include "house.h"

/* Requests of members and invitations, for the tests of services/share/. */

extern struct wire_share_list members, invitations; /* from the last list */
extern const struct dom_slice none;

/* Each answers the code; invitations are uid('v', number). */
enum service_code invite(const struct person *from, unsigned collection, const char *to,
    int access_level, unsigned number);
enum service_code about_invitation(
    enum service_op op, const struct person *person, unsigned number);
enum service_code accept_it(const struct person *person, unsigned number);
enum service_code about_member(
    enum service_op op, const struct person *person, unsigned collection, const char *name);
enum service_code set_access(
    const struct person *person, unsigned collection, const char *name, int access_level);
enum service_code leave(const struct person *person, unsigned collection);
void join(
    const struct person *from, const struct person *to, unsigned collection, int access_level);
enum service_code list_members(
    const struct person *person, unsigned collection, int64_t limit, struct dom_slice iterator);
enum service_code list_invitations(
    enum service_op op, const struct person *person, int64_t limit, struct dom_slice iterator);
void move_in(void);
enum service_code write_one(
    const struct person *person, unsigned collection, unsigned revision);

#endif
