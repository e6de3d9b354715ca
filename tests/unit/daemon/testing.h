/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_DAEMON_TESTING_H
#define TESTS_DAEMON_TESTING_H

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
