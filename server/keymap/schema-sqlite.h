/* The tables of the key map in SQLite's words, by schema version. */
#ifndef SERVER_KEYMAP_SCHEMA_SQLITE_H
#define SERVER_KEYMAP_SCHEMA_SQLITE_H

#define SCHEMA_SQLITE_ID	0x414d544b	/* "AMTK", at offset 68 of the file */
#define SCHEMA_SQLITE_VERSION	11

/* Entry N brings tables of version N to version N + 1; 0 is an empty database. */
extern const char *const schema_sqlite[SCHEMA_SQLITE_VERSION];

#endif
