/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_CLI_TESTING_H
#define TESTS_CLI_TESTING_H

/* cmocka wants these before itself, in whatever order a formatter likes best. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#endif
