/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTING_H
#define TESTING_H

/* cmocka.h wants these before it; in a header of its own, no formatter sorts them. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
/* clang-format on */

#endif
