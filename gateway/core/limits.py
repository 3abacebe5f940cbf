"""Every bound of the gateway, unit last in its name, with its reason.

What an operator may change is a default of `gateway.config.Settings`; what is here is fixed.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# A block is one tile of the record tree (C2SP tlog-tiles are 256 wide): sealing, digesting and
# proving cost once for 256 records.
BLOCK_RECORDS: Final = 256

# 128 bits: nobody finds a salt by trying (NIST SP 800-131A).
SALT_BYTES: Final = 16

# AES-GCM pieces of 64 KiB run at full speed (docs/performance.md) and bound what is held in clear.
SPOOL_CHUNK_BYTES: Final = 64 * KIB

# A body up to this size is read on the event loop (a millisecond or two); a larger one is spooled
# to disk and read in a process of its own.
INLINE_BODY_BYTES: Final = 64 * KIB

# A gzip stream of real rows shrinks to a tenth or so; a bomb starts near a thousandth.
DECOMPRESSION_RATIO: Final = 100

# IETF idempotency-key draft leaves the length open; Open Banking allows 40.
IDEMPOTENCY_KEY_CHARS: Final = 64

# Row errors kept for one submission. A file with more is wrong in one way, many times.
ROW_ERRORS_KEPT: Final = 10_000

# Row errors shown in the answer itself: more than a small body has rows, so that a small one refused
# whole is told everything; those of others are at /v1/submissions/{id}/errors.
ROW_ERRORS_SHOWN: Final = 1_000

# A feed page. 1,000 records of a schedule are about half a megabyte.
FEED_PAGE_RECORDS: Final = 1_000
FEED_PAGE_RECORDS_MAX: Final = 10_000

# RFC 8936 style long poll; below the idle time of common proxies.
LONG_POLL_SECONDS: Final = 30

# What may wait for the one writer before new work is told to come back.
WRITER_QUEUE: Final = 4_096

# Work that one flush covers; beyond this the wait of the first grows without a gain in rate.
GROUP_COMMIT: Final = 256

# JSON: deep enough for any format we read, far below the interpreter's recursion limit.
JSON_DEPTH: Final = 32
JSON_BYTES: Final = 8 * MIB

# One cell of a CSV file or one text of an XML file.
CELL_CHARS: Final = 2_000

# A text of a record in a table or a line: a remark of a paragraph. ISO 20022 allows 140 to 500.
RECORD_TEXT_CHARS: Final = 500

# The sender's own name of a row: as long as an idempotency key.
ROW_KEY_CHARS: Final = 64

# Items of one list in a record that comes as JSON, such as former names; a person has a handful.
RECORD_LIST_ITEMS: Final = 50

# One record as a line of JSON: the largest, every text full, is under a tenth of this.
RECORD_LINE_BYTES: Final = 1 * MIB

# Values that a column is remembered by: a column of dates or codes has fewer, and then a cell costs
# one look-up.
REMEMBERED_VALUES: Final = 4_096

# Bytes of lines that are not ASCII, from which the character set is told.
CHARACTER_SAMPLE_BYTES: Final = 16 * KIB

# A workbook: a real one has some twenty parts, shrinks to a tenth, and is read whole into memory, at
# some hundred bytes a cell. A sheet is as wide as it says and as long as it says, filled or not.
WORKBOOK_BYTES: Final = 64 * MIB
WORKBOOK_PARTS: Final = 500
WORKBOOK_UNPACKED_BYTES: Final = 512 * MIB
WORKBOOK_RATIO: Final = 200
WORKBOOK_SHEETS: Final = 100
WORKBOOK_COLUMNS: Final = 500
WORKBOOK_CELLS: Final = 8_000_000
WORKBOOK_DEPTH: Final = 64

# Rows of a sheet that are told apart by this in the numbers of a workbook's rows: more than a sheet
# can have (1,048,576), and easy to read.
SHEET_ROWS: Final = 10_000_000

# Time between two reads of a body, and for a whole body, before it is called too slow.
BODY_IDLE_SECONDS: Final = 20
BODY_TOTAL_SECONDS: Final = 3_600

# Uploads one organisation may have open at a time.
UPLOADS_OPEN: Final = 20

# An unfinished upload is forgotten after a day.
UPLOAD_EXPIRES_SECONDS: Final = 86_400
