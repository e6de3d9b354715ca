/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_SAMPLE_H
#define CLI_SAMPLE_H

#include "cli/cli.h"
#include "cli/services.h"
#include "cli/walk.h"

/*
 * The first record of a service that a backup of these files would send, as
 * it stands on this device: what a person sees before they agree.
 */
struct sample {
	struct walk walk;
	bool is_open; /* there are files to look into */
};

/* What --sample names, else the folder of the last backup, else nothing. */
enum cli_exit sample_open(struct cli *cli, struct sample *sample_r);
void sample_close(struct sample *sample);
/* A paragraph: the record, or why there is none. */
void sample_print(struct cli *cli, struct sample *sample, enum service_id service);

#endif
