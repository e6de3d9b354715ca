/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_ENTRY_H
#define CLI_ENTRY_H

#include <domicile/catalogue.h>

#include "cli/cli.h"

/* How an entry of the region's catalogue is shown to a person. */

/* Text behind a label, broken at spaces. */
void entry_paragraph(const char *label, const char *text);
/* A label's place, for lines that are printed otherwise. */
void entry_label(const char *label);

/* All that a person agrees to, and what each field is for. */
void entry_print(struct cli *cli, const struct dom_catalogue_entry *entry);
/* "names, phone numbers" */
void entry_print_classes(const char *label, const struct dom_catalogue_entry *entry);
/* Who can read it, and how long it is kept. */
void entry_print_terms(const struct dom_catalogue_entry *entry);

/* "until you erase it; what you replace or delete goes 1 year later" */
enum { ENTRY_KEPT_SIZE = 512 };
const char *entry_kept(const struct dom_catalogue_entry *entry, char text_r[ENTRY_KEPT_SIZE]);

#endif
