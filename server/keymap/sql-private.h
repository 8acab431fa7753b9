/* What an engine of the key map answers: one file and one row of the table in sql.c each. */
#ifndef SERVER_KEYMAP_SQL_PRIVATE_H
#define SERVER_KEYMAP_SQL_PRIVATE_H

#include "server/keymap/sql.h"

#define SQL_STATEMENTS	80	/* texts of a connection that are kept prepared */

/* An engine's own connection begins with this one... */
struct sql {
	const struct sql_engine *engine;
	struct sql_statement *kept[SQL_STATEMENTS];
	unsigned n_kept;
};

/* ...and its own statement with this one. */
struct sql_statement {
	struct sql *db;
	const char *text;	/* a literal: known by its address; NULL: one of sql_prepare() */
};

/*
 * The functions are those of sql.h, which has their shapes and errors. sql.c keeps the statements
 * and sets "engine", "db" and "text" of what open() and prepare() have made, zeroed.
 */
struct sql_engine {
	const char *scheme;	/* of the names that are this engine's, as "postgresql:" */
	int newest_version;
	const char *const *endings;

	enum sql_presence (*presence)(const char *name);
	int (*room)(const char *name, uint64_t *bytes, struct fault *fault);
	int (*open)(struct sql **out, const char *name, const struct sql_options *options,
		    struct fault *fault);
	void (*close)(struct sql *db);
	void (*set_wait)(struct sql *db, unsigned wait_ms);
	void (*owner)(const struct sql *db, uid_t *owner, gid_t *group);
	int (*hold)(struct sql *db, struct fault *fault);

	int (*recognise)(struct sql *db, bool create, int *version, struct fault *fault);
	int (*settle)(struct sql *db, struct fault *fault);
	int (*upgrade)(struct sql *db, int version, struct fault *fault);

	int (*begin)(struct sql *db, struct fault *fault);
	int (*commit)(struct sql *db, struct fault *fault);
	void (*rollback)(struct sql *db);
	bool (*in_transaction)(const struct sql *db);
	int (*savepoint)(struct sql *db, bool one_write, struct fault *fault);
	int (*release)(struct sql *db, bool undo, struct fault *fault);

	/* KEPT: it will be used again and again. */
	int (*prepare)(struct sql *db, const char *text, bool kept, struct sql_statement **out,
		       struct fault *fault);
	void (*done)(struct sql_statement *s);
	void (*free)(struct sql_statement *s);
	int (*step)(struct sql_statement *s, const char *what, struct fault *fault);
	int (*changed_rows)(struct sql_statement *s);
	void (*bind_int)(struct sql_statement *s, int at, int64_t value);
	void (*bind_text)(struct sql_statement *s, int at, const char *text, size_t size);
	void (*bind_blob)(struct sql_statement *s, int at, const void *bytes, size_t size);
	int64_t (*get_int)(struct sql_statement *s, int at);
	const char *(*get_text)(struct sql_statement *s, int at, size_t *size);
	const void *(*get_blob)(struct sql_statement *s, int at, size_t *size);

	int (*changed)(struct sql *db, bool *changed, struct fault *fault);
	int (*in_place)(struct sql *db, struct fault *fault);
	int (*check)(struct sql *db, struct fault *fault);
	int (*snapshot)(struct sql *from, struct sql *to, bool alone, struct fault *fault);
	int (*wipe_replaced)(struct sql *db, struct fault *fault);
	void (*empty_log)(struct sql *db);
};

extern const struct sql_engine sql_sqlite;

#endif
