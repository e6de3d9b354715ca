# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faults in what holds when memory and disks fail: what sim-faults must see.

(name, file, what stands there, what the fault makes of it, the scenarios of sim-faults that are
run, one in how many places; 0: as many as by default).  `often`: also in make check, not only in make check-long.
"""
import typing


class Fault(typing.NamedTuple):
    name: str
    file: str
    before: str
    after: str
    only: str
    stride: int = 3
    often: bool = False


WRITE = "src/store/dir/blobs_write.c"
DIR = "src/store/dir/blobs_dir.c"
WRITER = "src/store/sqlite/writer.c"

FAULTS = [
    # Syncs.
    Fault("a file is not synced", WRITE, "st = blobs_sync(old->blobs, fd);", "st = DOM_OK;",
          "large CHUNK_PUT"),
    Fault("a file's name is not synced", WRITE,
          "if ((st = blobs_sync(old->blobs, old->folder)) < 0)", "if ((st = DOM_OK) < 0)",
          "large CHUNK_PUT"),
    Fault("a new folder is not synced", DIR, "st = blobs_sync(blobs, fd);", "st = DOM_OK;",
          "large CHUNK_PUT"),
    Fault("a commit is not synced", "src/store/sqlite/connection.c", "synchronous = FULL",
          "synchronous = NORMAL", "LOGOUT", often=True),
    Fault("the journal is not synced", "src/daemon/journal.c", "if (fdatasync(file->fd) == 0)",
          "if (true)", "keeper: a service", 7),
    Fault("after a sync that failed the journal goes on as if nothing were", "src/daemon/journal.c",
          "if (fdatasync(file->fd) == 0)", "if (fdatasync(file->fd) == 0 || errno == EIO)",
          "goes on", 0),
    Fault("a journal that is written anew is not synced", "src/daemon/journal.c",
          "(fsync(fd) != 0 || rename(", "(rename(", "goes on", 0),
    Fault("the name of a new journal is not synced", "src/daemon/journal.c",
          "return sync_folder(file->path);", "return DOM_OK;", "goes on", 1),
    Fault("what was unlinked is not synced", "src/store/dir/blobs_forget.c",
          "return fsync(fd) == 0 ? DOM_OK : DOM_ESTORE;", "(void)fd;\n\treturn DOM_OK;",
          "keeper: a service", 7),
    Fault("what a backup has copied is not synced", "src/store/sqlite/care.c",
          "if (syncfs(folder) == 0 && fsync(folder) == 0)", "if (folder >= 0)", "backup", 7),
    Fault("a log that is read after a start is not on the disk", "src/store/sqlite/open.c",
          "if ((st = renew_log(store, opening)) < 0)\n\t\treturn st;", "(void)renew_log;",
          "keeper: an item", 0),
    Fault("a folder that stays is built upon", DIR,
          "unlinkat(blobs->folder, text, AT_REMOVEDIR) != 0)\n\t\tatomic_store(&blobs->failed, true);",
          "unlinkat(blobs->folder, text, AT_REMOVEDIR) != 0)\n\t\t(void)0;", "large CHUNK_PUT", 1),
    # Answers.
    Fault("an uncertain commit is told as done", WRITER, "if (st < 0)\n\t\t\tentry->status = st;",
          "if (st < 0 && st != DOM_EUNCERTAIN)\n\t\t\tentry->status = st;", "SIGNUP"),
    Fault("a job that failed is not undone", WRITER, "group_undo_job(store);\n\t}",
          "(void)group_undo_job;\n\t}", "ITEM_BATCH"),
    # What must not stay behind.
    Fault("a descriptor stays open", DIR, "\tclose(folder);\n\tif (st < 0)\n\t\treturn st;",
          "\tif (st < 0)\n\t\treturn st;\n\tclose(folder);", "large CHUNK_GET", 1),
    Fault("an arena is not freed", "src/store/sqlite/settle.c",
          "store_reader_close(&reader);\n\tdom_arena_free(&arena);", "store_reader_close(&reader);",
          "keeper: a service", 40),
    Fault("a page of a copy is not freed", "src/services/move/mover_pull.c",
          "drop_page(copy);\n\t\treturn after_answer(", "return after_answer(", "moves", 100),
    # What was found first, as it was.
    Fault("a digest without memory", "src/crypto/digest.c",
          "if (!sha->failed && EVP_DigestUpdate", "if (EVP_DigestUpdate",
          "keeper: an item", 11),
    Fault("a rollback without memory", WRITER, "if (!sqlite3_get_autocommit(writer->db))\n\t\tst =",
          "if (false)\n\t\tst =", "a sweep", 1),
    Fault("who has moved is taken for erased", "src/store/sqlite/fsck_look.c", "AND state = 1 AND",
          "AND state <> 0 AND", "moves", 500),
]
