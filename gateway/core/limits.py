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

# Members of a gzip stream, or frames of a zstd stream, that may be as small as they like; beyond
# these they hold a KiB each on average. An empty one costs more to begin than to send.
MEMBERS_FREE: Final = 1_000

# 8 MiB, the largest window that a zstd content coding may ask for (RFC 9659 section 3).
ZSTD_WINDOW_LOG: Final = 23

# IETF idempotency-key draft leaves the length open; Open Banking allows 40.
IDEMPOTENCY_KEY_CHARS: Final = 64

# Row errors kept for one submission. A file with more is wrong in one way, many times.
ROW_ERRORS_KEPT: Final = 10_000

# Row errors shown in the answer itself: more than a small body has rows, so that a small one refused
# whole is told everything; those of others are at /v1/submissions/{id}/errors.
ROW_ERRORS_SHOWN: Final = 1_000

# What a summary of errors says: rules told apart (a code in a field), and rows named for each.
RULES_COUNTED: Final = 1_000
EXAMPLE_ROWS: Final = 3

# Submissions with refused rows that a listing names.
OPEN_LISTED: Final = 100

# What is given back to be mended. A workbook is marked by a library that takes up to a
# hundred microseconds and two kilobytes for a cell; every other file is read once more.
MARKED_BYTES: Final = 8 * MIB
MARKED_UNPACKED_BYTES: Final = 32 * MIB
MARKED_CELLS: Final = 200_000
MARK_CHARS: Final = 2_000
RETURNED_BODY_BYTES: Final = 256 * MIB
RETURNED_ROWS: Final = 100_000
RETURNED_BYTES: Final = 64 * MIB

# One process makes them; so many wait for it before the next is told to come back.
RETURNS_WAITING: Final = 8

# One correction: rows it may speak of, and its bytes.
CORRECTED_ROWS: Final = 1_000
CORRECTION_BYTES: Final = 64 * 1024

# A feed page. 1,000 records of a schedule are about half a megabyte.
FEED_PAGE_RECORDS: Final = 1_000
FEED_PAGE_RECORDS_MAX: Final = 10_000

# Each opens the block of its record and is an entry of the ledger.
REJECTIONS_AT_A_TIME: Final = 256

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

# Cells (and XML elements) for each byte of a workbook: real ones have one or two, and a small one is
# read on the event loop, where half a million cells take half a second.
WORKBOOK_CELLS_PER_BYTE: Final = 8
WORKBOOK_CELLS_FREE: Final = 250_000

# Rows of a sheet that are told apart by this in the numbers of a workbook's rows: more than a sheet
# can have (1,048,576), and easy to read.
SHEET_ROWS: Final = 10_000_000

# Time between two reads of a body, and for a whole body, before it is called too slow.
BODY_IDLE_SECONDS: Final = 20
BODY_TOTAL_SECONDS: Final = 3_600

# Uploads one organisation may have open at a time.
UPLOADS_OPEN: Final = 20

# An upload is forgotten a day after its last part, and so is what became of it.
UPLOAD_EXPIRES_SECONDS: Final = 86_400

# How long an answer waits for what is under way with the same upload, another part or the way in:
# longer than a broken connection goes unnoticed (BODY_IDLE_SECONDS), shorter than proxies wait.
UPLOAD_WAIT_SECONDS: Final = 30

# When to ask again after that.
UPLOAD_AGAIN_SECONDS: Final = 2

# What a MESH client may say in headers: the lengths of mesh-api.yaml, characters.
MESH_MAILBOX_CHARS: Final = 100
MESH_WORKFLOW_CHARS: Final = 300
MESH_SUBJECT_CHARS: Final = 500
MESH_TEXT_CHARS: Final = 300
MESH_CHECKSUM_CHARS: Final = 100

# A MESH token counts for two hours to each side of its timestamp, which is a minute wide.
MESH_TOKEN_SECONDS: Final = 7_200

# MESH clients cut at 5 MB or more; a thousand such chunks are the largest body we can be set to.
MESH_CHUNKS: Final = 1_000

# Unfinished messages one mailbox may have at a time, as for uploads.
MESH_MESSAGES_OPEN: Final = 20

# A listing of an inbox, as MESH pages it.
MESH_PAGE: Final = 500
MESH_PAGE_MIN: Final = 10
MESH_PAGE_MAX: Final = 5_000

# New inbox messages made in one commit; more follow in the next.
MESH_SETTLED: Final = 500

# A mailbox's password and shared key: 192 and 256 bits, so that nobody finds them by trying.
MESH_PASSWORD_BYTES: Final = 24
MESH_SHARED_KEY_BYTES: Final = 32
# What stays free on the disk of the sealed files: the database, its log and the ledger need room
# to say even that there is none.
DISK_RESERVE_BYTES: Final = 512 * MIB

# File names of senders: with the longest ending that is put behind them they fit in the 255 bytes
# of every file system.
FILE_NAME_BYTES: Final = 200

# A zip archive: what a payroll bureau sends for its clients in a month, in folders if it likes.
ARCHIVE_MEMBERS: Final = 1_000
ARCHIVE_DEPTH: Final = 8
MANIFEST_BYTES: Final = 1 * MIB

# The directory of so many files with long names is a third of this; it is read in one piece.
ARCHIVE_DIRECTORY_BYTES: Final = 1 * MIB

# Row errors shown for each file of an archive; those of an accepted one are all at its own address.
ARCHIVE_ERRORS_SHOWN: Final = 100

# The inbox over SFTP. A path has three names at most; files one organisation has there at a time.
INBOX_PATH_BYTES: Final = 4 * KIB
INBOX_FILES: Final = 1_000

# How much of a file over SFTP may be lost by a crash, beyond what its client was told to be there.
INBOX_FLUSH_BYTES: Final = 16 * MIB

# Clients send many pieces before the first is answered, and not always in order.
INBOX_AHEAD_BYTES: Final = 2 * MIB

# SSH connections of one organisation and of all, of which some have not said yet who they are;
# sessions of one connection, and handles of one session: what is read is
# held in memory, three megabytes at most.
SSH_CONNECTIONS_EACH: Final = 8
SSH_CONNECTIONS: Final = 200
SSH_SESSIONS: Final = 2
SFTP_HANDLES: Final = 8

# Keys tried on one connection: an agent offers all it has.
SSH_KEYS_TRIED: Final = 10

# OpenSSH sends packets of up to 256 KiB.
SFTP_PACKET_BYTES: Final = 256 * KIB + 1_024

# From connecting to having shown a key.
SSH_LOGIN_SECONDS: Final = 30

# Notices looked at together, and handed to a carrier at the same time: GOV.UK Notify takes 3,000 a
# minute of one service, and answers in some tenth of a second.
NOTICES_AT_A_TIME: Final = 200
NOTICES_HANDED_OVER: Final = 8

# Records in one message of a stream: with their proofs they fit in a megabyte, which is what a NATS
# server takes at most unless it is told otherwise.
PUSH_PAGE_RECORDS: Final = 256

# Subscriptions served at the same time: a receiver that lets us wait must not hold up the others.
PUSHED_AT_A_TIME: Final = 64

# Subscriptions of one consumer.
SUBSCRIPTIONS_EACH: Final = 20

# Requests that time changes in one commit, and that are raised from one file: all in one commit, whose
# entries are made in some two tenths of a second.
REQUESTS_AT_A_TIME: Final = 200
REQUESTS_IN_A_FILE: Final = 5_000

# Answers to one request: its evidence must still be a pack that somebody reads.
ANSWERS_OF_A_REQUEST: Final = 400

# Questions to an officer about one request; who has more should talk to somebody.
CLARIFICATIONS: Final = 20

# Access codes tried by one address, and by all, in a minute; calls for one request by whoever came
# with its code; sessions end after so long.
CODES_TRIED_EACH: Final = 10
CODES_TRIED: Final = 600
ACCESS_CALLS: Final = 120
ACCESS_SESSION_MINUTES: Final = 120

# Submissions looked through for matches at a time.
SUBMISSIONS_MATCHED: Final = 50

# A file of requests, or of people to be looked up among them.
BULK_BODY_BYTES: Final = 16 * MIB

# People of one file that are looked up among requests.
PEOPLE_LOOKED_UP: Final = 20_000
